/* Reads logs of mtrace(3). They have neither times nor threads, and stacks of one frame. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/index_map.h"
#include "common/printable.h"
#include "common/xalloc.h"
#include "symbols/symbols.h"
#include "trace/import.h"
#include "trace/trace_log.h"
#include "trace/trace_site.h"

struct import_log {
    struct trace_writer *writer;
    struct symbols *symbols;
    struct index_map frames; /* of sites */
    char **objects;          /* the modules of the trace */
    size_t object_count;
    uint64_t resized; /* the old block of a reallocation, whose new block is in the next line */
};

static uint32_t import_log_module(struct import_log *log, const char *object) {
    if (object == NULL) return 0;
    for (size_t i = 0; i < log->object_count; i++)
        if (strcmp(log->objects[i], object) == 0) return (uint32_t)(i + 1);
    char *path = xstrdup(object);
    make_printable(path, strlen(path), "");
    trace_writer_module(log->writer, &(struct mallow_trace_module){.process = 1, .path = path});
    free(path);
    log->objects = xgrow(log->objects, log->object_count, sizeof *log->objects);
    log->objects[log->object_count++] = xstrdup(object);
    return (uint32_t)log->object_count;
}

/* The symbol in the log is the one of the program's symbol table. */
static uint32_t import_log_add_logged(struct import_log *log, const struct trace_site *site) {
    char *name = site->symbol == NULL ? xstrdup("") : symbols_demangle(site->symbol);
    make_printable(name, strlen(name), "");
    uint32_t symbol = trace_writer_symbol(
        log->writer, &(struct mallow_trace_symbol){.function = name, .file = ""});
    free(name);
    return symbol;
}

static uint32_t import_log_add_frame(struct import_log *log, const struct trace_site *site) {
    struct symbol_list list = {.count = 0};
    struct mallow_trace_frame frame = {.pc = site->offset,
                                       .module = import_log_module(log, site->object)};
    uint32_t number = 0;
    if (site->object != NULL) trace_site_find_symbols(log->symbols, site->object, site, &list);
    for (size_t i = list.count; i-- > 0; frame.caller = number) {
        const struct symbol *symbol = &list.symbol[i];
        frame.symbol = trace_writer_symbol(
            log->writer, &(struct mallow_trace_symbol){
                             .function = symbol->function == NULL ? "" : symbol->function,
                             .file = symbol->file == NULL ? "" : symbol->file,
                             .line = (uint32_t)symbol->line,
                             .is_inlined = symbol->inlined});
        number = trace_writer_named_frame(log->writer, &frame);
    }
    symbol_list_clear(&list);
    if (number != 0) return number;
    frame.symbol = import_log_add_logged(log, site);
    return trace_writer_named_frame(log->writer, &frame);
}

static uint32_t import_log_frame(struct import_log *log, const struct trace_site *site) {
    if (*site->text == '\0') return 0;
    uint32_t *frame = index_map_add(&log->frames, (uintptr_t)site);
    if (*frame == 0) *frame = import_log_add_frame(log, site);
    return *frame;
}

static void import_log_add_call(const struct trace_log_call *call, struct trace_site *site,
                                void *context) {
    struct import_log *log = context;
    struct mallow_trace_event event = {.thread = 1, .stack = import_log_frame(log, site)};
    switch (call->sign) {
    case '<':
        log->resized = call->address;
        return;
    case '-':
        event.kind = MALLOW_TRACE_FREE;
        event.old_address = call->address;
        break;
    case '+':
        event.kind = MALLOW_TRACE_MALLOC;
        event.address = call->address;
        event.size = call->size;
        event.error = call->address == 0 ? ENOMEM : 0;
        break;
    case '>':
        event.kind = MALLOW_TRACE_REALLOC;
        event.old_address = log->resized;
        event.address = call->address;
        event.size = call->size;
        break;
    case '!':
        event.kind = MALLOW_TRACE_REALLOC;
        event.old_address = call->address;
        event.size = call->size;
        event.error = ENOMEM;
        break;
    }
    if (event.kind == MALLOW_TRACE_FREE && event.old_address == 0) return;
    import_add(log->writer, &event);
}

struct trace_writer *import_mtrace(const char *path, int fd) {
    struct import_log log = {.symbols = symbols_open()};
    log.writer =
        import_begin(fd,
                     &(struct mallow_trace_facts){
                         .allocator = "", .machine = "", .recorder = "mtrace", .has_stacks = true},
                     &(struct mallow_trace_process){.program = "", .arguments = ""});
    trace_log_each_call(path, import_log_add_call, &log);
    for (size_t i = 0; i < log.object_count; i++) free(log.objects[i]);
    free(log.objects);
    index_map_clear(&log.frames);
    symbols_close(log.symbols);
    return log.writer;
}
