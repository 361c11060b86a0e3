/* The names that an imported trace has for its frames. */
#include <stdlib.h>

#include "common/index_map.h"
#include "common/xalloc.h"
#include "profiles/profile_trace.h"
#include "symbols/symbols.h"

static char *profile_trace_copy(const char *text) {
    return *text == '\0' ? NULL : symbols_copy_name(text);
}

static struct profile_name profile_trace_name(const struct mallow_trace *trace,
                                              const struct mallow_trace_frame *frame) {
    const struct mallow_trace_symbol *symbol = mallow_trace_symbol(trace, frame->symbol);
    const struct mallow_trace_module *module = mallow_trace_module(trace, frame->module);
    return (struct profile_name){.function = profile_trace_copy(symbol->function),
                                 .file = profile_trace_copy(symbol->file),
                                 .module = symbols_copy_name(module == NULL ? "" : module->path),
                                 .pc = frame->pc,
                                 .line = (int)symbol->line,
                                 .inlined = symbol->is_inlined};
}

void profile_trace_add_names(const struct mallow_trace *trace, struct profile_section *section) {
    struct index_map known = {.count = 0}; /* symbols, to indexes + 1 */
    if (mallow_trace_symbols(trace) == 0) return;
    section->node_names = xcalloc(section->node_count, sizeof *section->node_names);
    for (uint32_t i = 1; i <= mallow_trace_frames(trace); i++) {
        const struct mallow_trace_frame *frame = mallow_trace_frame(trace, i);
        uint32_t node = index_map_find(&section->node_numbers, i);
        if (node == 0 || frame->symbol == 0) continue;
        uint32_t *index = index_map_add(&known, index_map_pair(frame->symbol, frame->module));
        if (*index == 0) {
            section->names = xgrow(section->names, section->name_count, sizeof *section->names);
            section->names[section->name_count++] = profile_trace_name(trace, frame);
            *index = (uint32_t)section->name_count;
        }
        section->node_names[node] = *index;
    }
    index_map_clear(&known);
}
