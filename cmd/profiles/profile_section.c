/* Reads the blocks of a section. All numbers can be wrong on purpose. */
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/xalloc.h"
#include "profiles/profile.h"
#include "profiles/profile_records.h"

#define PATH_BYTES_MAX 4096

/* ---- PROCESS ---- */

static char *profile_section_text(const unsigned char *bytes, size_t count) {
    char *text = xstrndup((const char *)bytes, count < PATH_BYTES_MAX ? count : PATH_BYTES_MAX);
    make_printable(text, strlen(text), "");
    return text;
}

/* Reads the sizes of the classes, which ascend. Returns false if they are invalid. */
static bool profile_section_read_classes(struct profile_section *section,
                                         struct profile_cursor *cursor) {
    uint64_t bytes = 0;
    for (uint64_t steps = profile_next_number(cursor); steps > 0; steps--) {
        uint64_t times = profile_next_number(cursor), step = profile_next_number(cursor);
        if (cursor->failed || times > CLASSES_MAX - section->class_count) return false;
        for (; times > 0; times--) section->class_bytes[section->class_count++] = bytes += step;
    }
    return !cursor->failed;
}

static struct mallow_profile_process profile_section_process(struct profile_cursor *cursor) {
    struct mallow_profile_process process = {0};
    process.version = (uint32_t)profile_next_number(cursor);
    process.pid = (uint32_t)profile_next_number(cursor);
    process.ppid = (uint32_t)profile_next_number(cursor);
    process.started = profile_next_number(cursor);
    process.started_at = profile_next_number(cursor);
    process.rate = profile_next_number(cursor);
    process.page_bytes = (uint32_t)profile_next_number(cursor);
    process.machine = (uint16_t)profile_next_number(cursor);
    process.address_bytes = (uint16_t)profile_next_number(cursor);
    process.sections = (uint32_t)profile_next_number(cursor);
    return process;
}

struct profile_section *profile_section_begin(const struct profile_block *block) {
    struct profile_cursor cursor = profile_cursor_of(block);
    struct profile_section *section = xcalloc(1, sizeof *section);
    section->process = profile_section_process(&cursor);
    if (section->process.version > MALLOW_PROFILE_VERSION) return section;
    uint64_t length = profile_next_number(&cursor);
    const unsigned char *path = profile_next_bytes(&cursor, length);
    if (path == NULL || !profile_section_read_classes(section, &cursor)) {
        free(section);
        return NULL;
    }
    section->program = profile_section_text(path, length);
    section->nodes = xgrow(NULL, 0, sizeof *section->nodes);
    section->nodes[0] = (struct profile_node){.pc = 0};
    section->node_count = section->placed_nodes = 1;
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
    };
    return true;
}

static bool profile_section_add_nodes(struct profile_section *section,
                                      const struct profile_block *block) {
    struct profile_cursor cursor = profile_cursor_of(block);
    struct mallow_profile_node node = {0};
    if (section->node_count + block->count >= UINT32_MAX) return false;
    while (profile_next_node(&cursor, &node))
        if (!profile_section_add_node(section, &node)) return false;
    return !cursor.failed;
}

/* The modules of nodes follow them in the same snapshot. */
static void profile_section_place_nodes(struct profile_section *section) {
    for (; section->placed_nodes < section->node_count; section->placed_nodes++) {
        struct profile_node *node = &section->nodes[section->placed_nodes];
        node->module = profile_section_module_at(section, node->pc - 1);
    }
}

static bool profile_section_add_threads(struct profile_section *section,
                                        const struct profile_block *block) {
    struct profile_cursor cursor = profile_cursor_of(block);
    struct mallow_profile_thread from;
    while (profile_next_thread(&cursor, &from)) {
        section->threads = xgrow(section->threads, section->thread_count, sizeof *section->threads);
        struct profile_thread *thread = &section->threads[section->thread_count++];
        *thread = (struct profile_thread){.id = from.thread};
        memcpy(thread->name, from.name, sizeof from.name);
        make_printable(thread->name, strlen(thread->name), "");
        *index_map_add(&section->thread_numbers, from.thread) = (uint32_t)section->thread_count;
    }
    return !cursor.failed;
}

/* ---- SNAPSHOT, SITES, LIVE and DONE ---- */

/* Reads the number of live blocks of each class. */
static void profile_section_read_class_blocks(struct profile_section *section,
                                              struct profile_cursor *cursor) {
    uint64_t count = profile_next_number(cursor);
    section->next.class_count = 0;
    if (count > section->class_count) return;
    section->next.class_blocks = xcalloc(count + 1, sizeof *section->next.class_blocks);
    for (; section->next.class_count < count && !cursor->failed; section->next.class_count++)
        section->next.class_blocks[section->next.class_count] = profile_next_number(cursor);
}

static bool profile_section_add_snapshot(struct profile_section *section,
                                         const struct profile_block *block) {
    struct profile_cursor cursor = profile_cursor_of(block);
    struct mallow_profile_snapshot totals = {0};
    totals.reason = (uint32_t)profile_next_number(&cursor);
    totals.time = section->process.started + profile_next_number(&cursor);
    totals.resident_bytes = profile_next_number(&cursor);
    totals.live_blocks = profile_next_number(&cursor);
    totals.live_bytes = profile_next_number(&cursor);
    totals.large_blocks = profile_next_number(&cursor);
    totals.large_bytes = profile_next_number(&cursor);
    totals.heap_bytes = profile_next_number(&cursor);
    totals.metadata_bytes = profile_next_number(&cursor);
    totals.samples_lost = profile_next_number(&cursor);
    if (cursor.failed) return false;
    free(section->next.class_blocks); /* of an incomplete snapshot */
    section->next = (struct profile_snapshot){.totals = totals};
    profile_section_read_class_blocks(section, &cursor);
    section->has_next = true;
    return !cursor.failed;
}

static void profile_section_add_records(struct profile_section *section,
                                        const struct profile_block *block) {
    section->records = xgrow(section->records, section->record_count, sizeof *section->records);
    section->records[section->record_count++] = *block;
}

/* Sites are added when their snapshot is complete. */
static void profile_section_add_sites(struct profile_section *section,
                                      const struct profile_block *records) {
    struct profile_cursor cursor = profile_cursor_of(records);
    struct mallow_profile_site site = {0};
    while (profile_next_site(&cursor, &site)) {
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
    section->invalid += cursor.failed;
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
    section->next = (struct profile_snapshot){.end_records = 0};
    section->has_next = false;
    profile_section_place_nodes(section);
}

bool profile_section_add(struct profile_section *section, const struct profile_block *block) {
    switch (block->type) {
    case MALLOW_PROFILE_MODULES:
        return profile_section_add_modules(section, block);
    case MALLOW_PROFILE_STACKS:
        return profile_section_add_nodes(section, block);
    case MALLOW_PROFILE_THREADS:
        return profile_section_add_threads(section, block);
    case MALLOW_PROFILE_SNAPSHOT:
        return profile_section_add_snapshot(section, block);
    case MALLOW_PROFILE_SITES:
    case MALLOW_PROFILE_LIVE:
    case MALLOW_PROFILE_PINNED:
    case MALLOW_PROFILE_SETTINGS:
    case MALLOW_PROFILE_FILES:
    case MALLOW_PROFILE_MAPPINGS:
    case MALLOW_PROFILE_RANGES:
    case MALLOW_PROFILE_PAGES:
        profile_section_add_records(section, block);
        return true;
    case MALLOW_PROFILE_DONE:
        profile_section_complete(section);
        return true;
    default:
        return true;
    }
}
