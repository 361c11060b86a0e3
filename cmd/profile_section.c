/* Reads the blocks of a section. All numbers can be wrong on purpose. */
#include <stdlib.h>
#include <string.h>

#include "printable.h"
#include "profile.h"
#include "xalloc.h"

#define PATH_BYTES_MAX 4096

/* ---- PROCESS ---- */

static char *profile_section_text(const unsigned char *bytes, size_t count) {
    char *text = xstrndup((const char *)bytes, count < PATH_BYTES_MAX ? count : PATH_BYTES_MAX);
    make_printable(text, strlen(text), "");
    return text;
}

struct profile_section *profile_section_begin(const struct profile_block *block) {
    struct mallow_profile_process process;
    if (block->type != MALLOW_PROFILE_PROCESS || block->count < sizeof process) return NULL;
    memcpy(&process, block->bytes, sizeof process);
    if (process.size < sizeof process || process.size > block->count) return NULL;
    size_t left = block->count - process.size;
    if (process.class_count > left / sizeof(uint64_t)) return NULL;
    size_t class_bytes = process.class_count * sizeof(uint64_t);
    struct profile_section *section = xcalloc(1, sizeof *section);
    section->process = process;
    section->class_bytes = block->bytes + process.size;
    section->program = profile_section_text(section->class_bytes + class_bytes, left - class_bytes);
    section->nodes = xgrow(NULL, 0, sizeof *section->nodes);
    section->nodes[0] = (struct profile_node){.pc = 0};
    section->node_count = 1;
    return section;
}

/* ---- STACKS and THREADS ---- */

/* Adds a node. Returns false if its caller is unknown, or the node's number has another meaning. */
static bool profile_section_add_node(struct profile_section *section,
                                     const struct mallow_profile_node *node) {
    uint32_t caller = index_map_find(&section->node_numbers, node->caller);
    if (node->node == 0 || (caller == 0 && node->caller != 0)) return false;
    uint32_t *index = index_map_add(&section->node_numbers, node->node);
    if (*index != 0)
        return section->nodes[*index].pc == node->pc && section->nodes[*index].caller == caller;
    *index = (uint32_t)section->node_count;
    section->nodes = xgrow(section->nodes, section->node_count, sizeof *section->nodes);
    section->nodes[section->node_count++] = (struct profile_node){
        .pc = node->pc,
        .caller = caller,
        .module = profile_section_module_at(section, node->pc - 1),
    };
    return true;
}

static bool profile_section_add_nodes(struct profile_section *section,
                                      const struct profile_block *block) {
    struct mallow_profile_node node;
    if (section->node_count + block->count / sizeof node >= UINT32_MAX) return false;
    for (size_t at = 0; at + sizeof node <= block->count; at += sizeof node) {
        memcpy(&node, block->bytes + at, sizeof node);
        if (!profile_section_add_node(section, &node)) return false;
    }
    return true;
}

static void profile_section_add_threads(struct profile_section *section,
                                        const struct profile_block *block) {
    struct mallow_profile_thread from;
    for (size_t at = 0; at + sizeof from <= block->count; at += sizeof from) {
        memcpy(&from, block->bytes + at, sizeof from);
        section->threads = xgrow(section->threads, section->thread_count, sizeof *section->threads);
        struct profile_thread *thread = &section->threads[section->thread_count++];
        *thread = (struct profile_thread){.id = from.thread};
        memcpy(thread->name, from.name, sizeof from.name);
        make_printable(thread->name, strlen(thread->name), "");
        *index_map_add(&section->thread_numbers, from.thread) = (uint32_t)section->thread_count;
    }
}

/* ---- SNAPSHOT, SITES, LIVE and DONE ---- */

static bool profile_section_add_snapshot(struct profile_section *section,
                                         const struct profile_block *block) {
    struct mallow_profile_snapshot totals;
    if (block->count < sizeof totals) return false;
    memcpy(&totals, block->bytes, sizeof totals);
    if (totals.size < sizeof totals || totals.size > block->count) return false;
    section->next.totals = totals;
    size_t classes = (block->count - totals.size) / sizeof(uint64_t);
    section->next.class_blocks =
        classes < section->process.class_count ? NULL : block->bytes + totals.size;
    section->has_next = true;
    return true;
}

static void profile_section_add_records(struct profile_section *section,
                                        const struct profile_block *block, size_t size) {
    section->records = xgrow(section->records, section->record_count, sizeof *section->records);
    section->records[section->record_count++] =
        (struct profile_records){block->type, block->bytes, block->count / size};
}

/* Sites are added when their snapshot is complete. */
static void profile_section_add_sites(struct profile_section *section,
                                      const struct profile_records *records) {
    struct mallow_profile_site site;
    for (size_t i = 0; profile_get_site(records, i, &site); i++) {
        if (!profile_site_is_valid(section, &site)) {
            section->invalid++;
            continue;
        }
        uint32_t *index =
            index_map_add(&section->site_numbers, index_map_pair(site.large, site.node));
        if (*index != 0) continue;
        *index = (uint32_t)section->site_count + 1;
        section->sites = xgrow(section->sites, section->site_count, sizeof *section->sites);
        section->sites[section->site_count++] =
            (struct profile_site){.node = index_map_find(&section->node_numbers, site.node),
                                  .number = site.node,
                                  .large = site.large};
    }
}

/* A DONE block without totals belongs to a snapshot whose SNAPSHOT block is damaged. Its sites then
 * count as a part of the next snapshot. */
static void profile_section_complete(struct profile_section *section) {
    if (!section->has_next) return;
    section->next.first_records = 0;
    if (section->snapshot_count > 0)
        section->next.first_records = section->snapshots[section->snapshot_count - 1].end_records;
    section->next.end_records = section->record_count;
    for (size_t i = section->next.first_records; i < section->next.end_records; i++)
        if (section->records[i].type == MALLOW_PROFILE_SITES)
            profile_section_add_sites(section, &section->records[i]);
    section->snapshots =
        xgrow(section->snapshots, section->snapshot_count, sizeof *section->snapshots);
    section->snapshots[section->snapshot_count++] = section->next;
    section->has_next = false;
}

bool profile_section_add(struct profile_section *section, const struct profile_block *block) {
    switch (block->type) {
    case MALLOW_PROFILE_MODULES:
        return profile_section_add_modules(section, block);
    case MALLOW_PROFILE_STACKS:
        return profile_section_add_nodes(section, block);
    case MALLOW_PROFILE_THREADS:
        profile_section_add_threads(section, block);
        return true;
    case MALLOW_PROFILE_SNAPSHOT:
        return profile_section_add_snapshot(section, block);
    case MALLOW_PROFILE_SITES:
        profile_section_add_records(section, block, sizeof(struct mallow_profile_site));
        return true;
    case MALLOW_PROFILE_LIVE:
        profile_section_add_records(section, block, sizeof(struct mallow_profile_live));
        return true;
    case MALLOW_PROFILE_DONE:
        profile_section_complete(section);
        return true;
    default:
        return true;
    }
}
