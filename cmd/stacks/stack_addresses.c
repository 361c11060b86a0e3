#include "stacks/stack_addresses.h"

#include <stdlib.h>
#include <string.h>

#include "common/progress.h"
#include "common/xalloc.h"
#include "stacks/module_names.h"
#include "symbols/function_names.h"
#include "symbols/perf_map.h"

/* An address to look up: a place in a file or, without a file, an address of a process. */
struct stack_address {
    uint64_t place;
    size_t first_frame, frame_count;
};

/* A file, which can be mapped by several processes; or the code of a process without a file. */
struct stack_source {
    const struct profile_module *module; /* NULL: code without a file */
    const struct profile_section *section;
    bool is_named;           /* the addresses are indexes of the section's names */
    struct index_map places; /* to indexes + 1 */
    struct stack_address *addresses;
    size_t count;
};

struct stack_addresses {
    struct stacks *stacks;
    pid_t process; /* 0: it does not run any more */
    struct stack_source *sources;
    size_t source_count;
    struct index_map source_numbers; /* of texts, to indexes + 1 */
    uint32_t *frames;
    size_t frame_count;
    /* The section that was looked up last, and the indexes of the sources of its modules. */
    const struct profile_section *section;
    uint32_t *section_sources;
};

/* ---- sources ---- */

/* Returns the number of a text that is the same for the same file. */
static uint32_t stack_addresses_identify(struct stack_addresses *addresses,
                                         const struct profile_section *section,
                                         const struct profile_module *module) {
    char *text;
    size_t length;
    FILE *to = xopen_memstream(&text, &length);
    if (module == NULL)
        fprintf(to, "\001%u %lu", section->process.pid, section->process.started_at);
    for (size_t i = 0; module != NULL && i < module->id_bytes; i++)
        fprintf(to, "%02x", module->id[i]);
    if (module != NULL) fprintf(to, "\001%s", module->path);
    xclose_memstream(to);
    uint32_t number = texts_add(&addresses->stacks->texts, text);
    free(text);
    return number;
}

static uint32_t stack_addresses_add_source(struct stack_addresses *addresses,
                                           const struct profile_section *section,
                                           const struct profile_module *module) {
    uint32_t text = stack_addresses_identify(addresses, section, module);
    uint32_t *number = index_map_add(&addresses->source_numbers, text);
    if (*number != 0) return *number - 1;
    addresses->sources =
        xgrow(addresses->sources, addresses->source_count, sizeof *addresses->sources);
    addresses->sources[addresses->source_count++] =
        (struct stack_source){.module = module, .section = section};
    *number = (uint32_t)addresses->source_count;
    return *number - 1;
}

static uint32_t stack_addresses_add_names(struct stack_addresses *addresses,
                                          const struct profile_section *section) {
    addresses->sources =
        xgrow(addresses->sources, addresses->source_count, sizeof *addresses->sources);
    addresses->sources[addresses->source_count++] =
        (struct stack_source){.section = section, .is_named = true};
    return (uint32_t)addresses->source_count - 1;
}

/* Finds the sources of a section's modules. Index 0 is the code without a file, and the last one
 * are names that the section has itself. */
static void stack_addresses_enter(struct stack_addresses *addresses,
                                  const struct profile_section *section) {
    if (addresses->section == section) return;
    free(addresses->section_sources);
    addresses->section = section;
    addresses->section_sources =
        xcalloc(section->module_count + 2, sizeof *addresses->section_sources);
    for (size_t i = 0; i <= section->module_count; i++)
        addresses->section_sources[i] = stack_addresses_add_source(
            addresses, section, i == 0 ? NULL : &section->modules[i - 1]);
    if (section->node_names == NULL) return;
    uint32_t *names = &addresses->section_sources[section->module_count + 1];
    for (size_t i = 0; i < addresses->source_count; i++)
        if (addresses->sources[i].is_named && addresses->sources[i].section == section)
            *names = (uint32_t)i + 1;
    *names = *names != 0 ? *names - 1 : stack_addresses_add_names(addresses, section);
}

/* ---- addresses ---- */

/* A return address belongs to the call before it. */
static uint64_t stack_addresses_place(const struct profile_section *section, uint32_t module,
                                      size_t node) {
    uint64_t address = section->nodes[node].pc - 1;
    if (module == 0) return address;
    return address - section->modules[module - 1].start + section->modules[module - 1].offset;
}

/* Returns the source of a node in the section that was entered, and stores the place. */
static struct stack_source *stack_addresses_source(struct stack_addresses *addresses,
                                                   const struct profile_section *section,
                                                   size_t node, uint64_t *place) {
    size_t source = section->module_count + 1;
    if (section->node_names != NULL && section->node_names[node] != 0) {
        *place = section->node_names[node] - 1;
    } else {
        source = profile_section_module_of(section, node);
        *place = stack_addresses_place(section, (uint32_t)source, node);
    }
    return &addresses->sources[addresses->section_sources[source]];
}

static void stack_addresses_collect(struct stack_addresses *addresses,
                                    const struct profile_section *section) {
    stack_addresses_enter(addresses, section);
    for (size_t i = 1; i < section->node_count; i++) {
        uint64_t place;
        struct stack_source *source = stack_addresses_source(addresses, section, i, &place);
        uint32_t *index = index_map_add(&source->places, place);
        if (*index != 0) continue;
        source->addresses = xgrow(source->addresses, source->count, sizeof *source->addresses);
        source->addresses[source->count++] = (struct stack_address){.place = place};
        *index = (uint32_t)source->count;
    }
}

/* ---- frames ---- */

static void stack_addresses_add_frame(struct stack_addresses *addresses,
                                      struct stack_address *address, struct stack_frame frame) {
    addresses->frames = xgrow(addresses->frames, addresses->frame_count, sizeof *addresses->frames);
    addresses->frames[addresses->frame_count++] = stacks_add_frame(addresses->stacks, frame);
    address->frame_count++;
}

/* Gives an address without a function a name: its place in the module. */
static uint32_t stack_addresses_number(struct stack_addresses *addresses,
                                       const struct stack_source *source, uint64_t place) {
    char *text = source->module == NULL
                     ? xasprintf("0x%lx", place + 1)
                     : xasprintf("%s+0x%lx", file_base_name(source->module->path), place + 1);
    uint32_t number = texts_add(&addresses->stacks->texts, text);
    free(text);
    return number;
}

static void stack_addresses_add_frames(struct stack_addresses *addresses,
                                       const struct stack_source *source,
                                       struct stack_address *address,
                                       const struct symbol_list *list) {
    struct texts *texts = &addresses->stacks->texts;
    const char *code = list->count == 0 ? "[unknown]" : "[JIT]";
    uint32_t module = texts_add(texts, source->module == NULL ? code : source->module->path);
    address->first_frame = addresses->frame_count;
    for (size_t i = 0; i < list->count || i == 0; i++) {
        struct stack_frame frame = {.module = module};
        const struct symbol *symbol = i < list->count ? &list->symbol[i] : NULL;
        frame.is_unnamed = symbol == NULL || symbol->function == NULL;
        frame.function = frame.is_unnamed
                             ? stack_addresses_number(addresses, source, address->place)
                             : texts_add(texts, symbol->function);
        if (symbol != NULL && symbol->file != NULL) {
            frame.file = texts_add(texts, symbol->file);
            frame.line = symbol->line;
        }
        frame.inlined = symbol != NULL && symbol->inlined;
        /* Stubs and interpreters that the compiler generates have no file. */
        frame.is_jit = source->module == NULL && frame.file != 0;
        stack_addresses_add_frame(addresses, address, frame);
    }
}

static void stack_addresses_add_name(struct stack_addresses *addresses,
                                     struct stack_address *address,
                                     const struct profile_name *name) {
    struct texts *texts = &addresses->stacks->texts;
    struct stack_frame frame = {.module = texts_add(texts, name->module),
                                .line = name->line,
                                .inlined = name->inlined,
                                .is_unnamed = name->function == NULL};
    char *number = xasprintf("%s+0x%lx", file_base_name(name->module), name->pc);
    frame.function = texts_add(texts, frame.is_unnamed ? number : name->function);
    if (name->file != NULL) frame.file = texts_add(texts, name->file);
    address->first_frame = addresses->frame_count;
    stack_addresses_add_frame(addresses, address, frame);
    free(number);
}

static void stack_addresses_resolve_source(struct stack_addresses *addresses,
                                           struct stack_source *source, struct progress *progress) {
    struct module_names *names = NULL;
    struct perf_map *map = NULL;
    if (source->count == 0) return;
    for (size_t i = 0; i < source->count && source->is_named; i++)
        stack_addresses_add_name(addresses, &source->addresses[i],
                                 &source->section->names[source->addresses[i].place]);
    if (source->is_named) return;
    if (source->module != NULL)
        names = module_names_open(source->module, addresses->process);
    else
        map = perf_map_read(addresses->process, source->section->process.pid,
                            addresses->process != 0 ? 0 : source->section->process.started_at);
    for (size_t i = 0; i < source->count; i++) {
        struct symbol_list list;
        if (names != NULL)
            module_names_find(names, source->addresses[i].place, &list);
        else
            perf_map_find(map, source->addresses[i].place, &list);
        stack_addresses_add_frames(addresses, source, &source->addresses[i], &list);
        symbol_list_clear(&list);
        progress_step(progress);
    }
    progress_hide(progress); /* the next call can print a message */
    if (names != NULL) module_names_close(names);
    perf_map_free(map);
}

struct stack_addresses *stack_addresses_resolve(struct stacks *stacks,
                                                const struct profile *profile) {
    struct stack_addresses *addresses = xcalloc(1, sizeof *addresses);
    struct progress progress;
    size_t total = 0;
    addresses->stacks = stacks;
    addresses->process = profile->process;
    for (size_t i = 0; i < profile->count; i++)
        stack_addresses_collect(addresses, profile->sections[i]);
    for (size_t i = 0; i < addresses->source_count; i++) total += addresses->sources[i].count;
    progress_begin(&progress, "looking up functions", total);
    for (size_t i = 0; i < addresses->source_count; i++)
        stack_addresses_resolve_source(addresses, &addresses->sources[i], &progress);
    progress_hide(&progress);
    return addresses;
}

const uint32_t *stack_addresses_frames(struct stack_addresses *addresses,
                                       const struct profile_section *section, size_t node,
                                       size_t *count) {
    stack_addresses_enter(addresses, section);
    uint64_t place;
    struct stack_source *source = stack_addresses_source(addresses, section, node, &place);
    uint32_t number = index_map_find(&source->places, place);
    *count = 0;
    if (number == 0 || number > source->count) return NULL;
    const struct stack_address *address = &source->addresses[number - 1];
    *count = address->frame_count;
    return addresses->frames + address->first_frame;
}

void stack_addresses_free(struct stack_addresses *addresses) {
    for (size_t i = 0; i < addresses->source_count; i++) {
        index_map_clear(&addresses->sources[i].places);
        free(addresses->sources[i].addresses);
    }
    index_map_clear(&addresses->source_numbers);
    free(addresses->sources);
    free(addresses->section_sources);
    free(addresses->frames);
    free(addresses);
}
