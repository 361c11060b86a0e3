#include "trace/trace_stacks.h"

#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/xalloc.h"
#include "stacks/module_names.h"
#include "stacks/stack_addresses.h"
#include "symbols/function_names.h"
#include "symbols/perf_map.h"

/* A return address in a file, or in the code of a process that has no file. */
struct trace_place {
    size_t first_frame, frame_count; /* in the list of frames, the innermost first */
    bool is_helper;                  /* all functions merely help to allocate */
};

/* A file, or the code of a process that has no file. */
struct trace_source {
    struct profile_module module;
    struct module_names *names; /* NULL: there is no file */
    struct perf_map *map;
    struct index_map places;  /* to indexes + 1 */
    struct index_map symbols; /* of the trace, to indexes of places + 1 */
};

struct trace_stacks {
    const struct mallow_trace *trace;
    struct stacks *stacks;
    struct trace_source *sources;
    size_t source_count;
    struct index_map module_sources; /* to indexes + 1 */
    struct index_map path_sources;   /* of texts */
    struct trace_place *places;
    size_t place_count;
    uint32_t *frames; /* numbers of frames in `stacks` */
    size_t frame_count;
    struct index_map frame_places; /* of the trace's frames, to indexes + 1 */
    struct index_map numbers;      /* of the trace's frames, to stacks */
};

struct trace_stacks *trace_stacks_open(const struct mallow_trace *trace) {
    struct trace_stacks *stacks = xcalloc(1, sizeof *stacks);
    stacks->trace = trace;
    stacks->stacks = stacks_open();
    return stacks;
}

void trace_stacks_close(struct trace_stacks *stacks) {
    for (size_t i = 0; i < stacks->source_count; i++) {
        struct trace_source *source = &stacks->sources[i];
        if (source->names != NULL) module_names_close(source->names);
        perf_map_free(source->map);
        index_map_clear(&source->places);
        index_map_clear(&source->symbols);
        free(source->module.path);
        free((void *)source->module.id);
    }
    index_map_clear(&stacks->module_sources);
    index_map_clear(&stacks->path_sources);
    index_map_clear(&stacks->frame_places);
    index_map_clear(&stacks->numbers);
    stacks_free(stacks->stacks);
    free(stacks->sources);
    free(stacks->places);
    free(stacks->frames);
    free(stacks);
}

const struct stacks *trace_stacks_tree(const struct trace_stacks *stacks) { return stacks->stacks; }

/* ---- sources ---- */

static struct trace_source *trace_stacks_add_source(struct trace_stacks *stacks, uint32_t *number) {
    stacks->sources = xgrow(stacks->sources, stacks->source_count, sizeof *stacks->sources);
    struct trace_source *source = &stacks->sources[stacks->source_count++];
    *source = (struct trace_source){.names = NULL};
    *number = (uint32_t)stacks->source_count;
    return source;
}

/* Returns the number of a text that is the same for the same file. */
static uint32_t trace_stacks_identify(struct trace_stacks *stacks,
                                      const struct mallow_trace_module *module) {
    char *text;
    size_t length;
    FILE *to = xopen_memstream(&text, &length);
    for (size_t i = 0; i < module->id_bytes; i++) fprintf(to, "%02x", module->id[i]);
    fprintf(to, "\001%s", module->path);
    xclose_memstream(to);
    uint32_t number = texts_add(&stacks->stacks->texts, text);
    free(text);
    return number;
}

static uint32_t trace_stacks_file(struct trace_stacks *stacks,
                                  const struct mallow_trace_module *module) {
    uint32_t *number = index_map_add(&stacks->path_sources, trace_stacks_identify(stacks, module));
    if (*number != 0) return *number;
    struct trace_source *source = trace_stacks_add_source(stacks, number);
    source->module = (struct profile_module){.start = module->start,
                                             .end = module->end,
                                             .offset = module->offset,
                                             .path = symbols_copy_name(module->path),
                                             .id = xnonnull(malloc(module->id_bytes + 1)),
                                             .id_bytes = module->id_bytes};
    memcpy((void *)source->module.id, module->id, module->id_bytes);
    return *number;
}

static uint32_t trace_stacks_jit(struct trace_stacks *stacks, uint32_t *number, uint32_t process) {
    const struct mallow_trace_process *of = mallow_trace_process(stacks->trace, process);
    struct trace_source *source = trace_stacks_add_source(stacks, number);
    uint64_t start = mallow_trace_get_facts(stacks->trace)->start;
    if (of != NULL) source->map = perf_map_read(0, of->pid, start);
    return *number;
}

/* Code without a file belongs to no known process, because frames have none: the first one's map is
 * used. */
static uint32_t trace_stacks_source(struct trace_stacks *stacks, uint32_t module_number) {
    const struct mallow_trace_module *module = mallow_trace_module(stacks->trace, module_number);
    uint32_t *number = index_map_add(&stacks->module_sources, module_number);
    if (*number != 0) return *number - 1;
    if (module == NULL) return trace_stacks_jit(stacks, number, 1) - 1;
    return (*number = trace_stacks_file(stacks, module)) - 1;
}

/* ---- places ---- */

/* Gives an address without a function a name: its place in the file. */
static uint32_t trace_stacks_unnamed(struct trace_stacks *stacks, const struct trace_source *source,
                                     uint64_t place) {
    char *text = source->module.path == NULL
                     ? xasprintf("0x%lx", place + 1)
                     : xasprintf("%s+0x%lx", file_base_name(source->module.path), place + 1);
    uint32_t number = texts_add(&stacks->stacks->texts, text);
    free(text);
    return number;
}

static void trace_stacks_add_function(struct trace_stacks *stacks, struct trace_place *at,
                                      const struct trace_source *source, uint64_t place,
                                      const struct symbol *symbol, bool is_imported) {
    struct texts *texts = &stacks->stacks->texts;
    bool has_file = source->module.path != NULL, is_jit = !has_file && !is_imported;
    struct stack_frame frame = {
        .module = texts_add(texts, has_file ? source->module.path
                                   : is_jit ? "[JIT]"
                                            : ""),
        .is_unnamed = symbol == NULL || symbol->function == NULL,
    };
    frame.function = frame.is_unnamed ? trace_stacks_unnamed(stacks, source, place)
                                      : texts_add(texts, symbol->function);
    if (symbol != NULL && symbol->file != NULL) {
        frame.file = texts_add(texts, symbol->file);
        frame.line = symbol->line;
    }
    frame.inlined = symbol != NULL && symbol->inlined;
    frame.is_jit = is_jit && frame.file != 0;
    uint32_t number = stacks_add_frame(stacks->stacks, frame);
    stacks->frames = xgrow(stacks->frames, stacks->frame_count, sizeof *stacks->frames);
    stacks->frames[stacks->frame_count++] = number;
    at->frame_count++;
    at->is_helper = at->is_helper && stacks->stacks->frames[number].is_helper;
}

static struct trace_place trace_stacks_look_up(struct trace_stacks *stacks,
                                               struct trace_source *source, uint64_t place) {
    struct trace_place at = {.first_frame = stacks->frame_count, .is_helper = true};
    struct symbol_list list = {.count = 0};
    if (source->module.path != NULL) {
        if (source->names == NULL) source->names = module_names_open(&source->module, 0);
        module_names_find(source->names, place, &list);
    } else {
        perf_map_find(source->map, place, &list);
    }
    for (size_t i = 0; i < list.count || i == 0; i++)
        trace_stacks_add_function(stacks, &at, source, place,
                                  i < list.count ? &list.symbol[i] : NULL, false);
    symbol_list_clear(&list);
    return at;
}

/* The trace itself names the function, if it was imported. */
static struct trace_place trace_stacks_named(struct trace_stacks *stacks,
                                             const struct trace_source *source,
                                             const struct mallow_trace_frame *frame) {
    struct trace_place at = {.first_frame = stacks->frame_count, .is_helper = true};
    const struct mallow_trace_symbol *named = mallow_trace_symbol(stacks->trace, frame->symbol);
    struct symbol symbol = {.function = symbols_copy_name(named->function),
                            .file = symbols_copy_name(named->file),
                            .line = (int)named->line,
                            .inlined = named->is_inlined};
    struct symbol known = symbol;
    if (*named->function == '\0') known.function = NULL;
    if (*named->file == '\0') known.file = NULL;
    trace_stacks_add_function(stacks, &at, source, frame->pc - 1, &known, true);
    free(symbol.function);
    free(symbol.file);
    return at;
}

/* A return address belongs to the call before it. */
static uint64_t trace_stacks_offset(const struct trace_stacks *stacks,
                                    const struct mallow_trace_frame *frame) {
    const struct mallow_trace_module *module = mallow_trace_module(stacks->trace, frame->module);
    return module == NULL ? frame->pc - 1 : frame->pc - 1 - module->start + module->offset;
}

uint32_t trace_stacks_place(struct trace_stacks *stacks, uint32_t number) {
    uint32_t known = index_map_find(&stacks->frame_places, number);
    const struct mallow_trace_frame *frame = mallow_trace_frame(stacks->trace, number);
    if (known != 0 || frame == NULL) return known;
    uint32_t source_index = trace_stacks_source(stacks, frame->module);
    struct trace_source *source = &stacks->sources[source_index];
    uint64_t offset = trace_stacks_offset(stacks, frame);
    bool is_named = frame->symbol != 0;
    uint32_t *index = is_named ? index_map_add(&source->symbols, frame->symbol)
                               : index_map_add(&source->places, offset);
    if (*index == 0) {
        struct trace_place place = is_named ? trace_stacks_named(stacks, source, frame)
                                            : trace_stacks_look_up(stacks, source, offset);
        stacks->places = xgrow(stacks->places, stacks->place_count, sizeof *stacks->places);
        stacks->places[stacks->place_count++] = place;
        *index = (uint32_t)stacks->place_count;
    }
    return *index_map_add(&stacks->frame_places, number) = *index;
}

ssize_t trace_stacks_find_calls(struct trace_stacks *stacks, uint32_t number,
                                struct symbol_calls *calls) {
    const struct mallow_trace_frame *frame = mallow_trace_frame(stacks->trace, number);
    *calls = (struct symbol_calls){.count = 0};
    if (frame == NULL) return -1;
    uint32_t source_index = trace_stacks_source(stacks, frame->module);
    struct trace_source *source = &stacks->sources[source_index];
    uint64_t place = trace_stacks_offset(stacks, frame);
    if (source->module.path == NULL) return -1;
    if (source->names == NULL) source->names = module_names_open(&source->module, 0);
    module_names_find_calls(source->names, place, calls);
    for (size_t i = 0; i < calls->count; i++)
        if (calls->list[i].place == place) return (ssize_t)i;
    return -1;
}

/* ---- stacks ---- */

uint32_t trace_stacks_site(struct trace_stacks *stacks, uint32_t number) {
    uint32_t at = number;
    for (int i = 0; at != 0 && i < STACK_DEPTH_MAX; i++) {
        uint32_t place = trace_stacks_place(stacks, at);
        if (place == 0) break;
        if (!stacks->places[place - 1].is_helper) return at;
        at = mallow_trace_frame(stacks->trace, at)->caller;
    }
    return number;
}

/* Adds the functions of the frame to the stack of its caller. */
static uint32_t trace_stacks_add(struct trace_stacks *stacks, uint32_t caller, uint32_t number) {
    uint32_t index = trace_stacks_place(stacks, number);
    if (index == 0) return caller;
    struct trace_place place = stacks->places[index - 1];
    uint32_t stack = caller;
    for (size_t i = place.frame_count; i-- > 0;)
        stack = stacks_add_call(stacks->stacks, stack, stacks->frames[place.first_frame + i]);
    return *index_map_add(&stacks->numbers, number) = stack;
}

/* The outermost frames of a stack that is too deep are left out. */
uint32_t trace_stacks_number(struct trace_stacks *stacks, uint32_t number) {
    uint32_t unknown[STACK_DEPTH_MAX], stack = 0;
    size_t count = 0;
    for (uint32_t at = number; at != 0 && count < STACK_DEPTH_MAX;) {
        const struct mallow_trace_frame *frame = mallow_trace_frame(stacks->trace, at);
        if (frame == NULL || (stack = index_map_find(&stacks->numbers, at)) != 0) break;
        unknown[count++] = at;
        at = frame->caller;
    }
    while (count-- > 0) stack = trace_stacks_add(stacks, stack, unknown[count]);
    return stack;
}
