#include "trace_tables.h"

#include <stdlib.h>
#include <string.h>

/* Makes room for one more entry of a list, whose room is the next power of two. Returns the list,
 * or NULL: there is no memory. */
static void *tables_grow(void *list, size_t count, size_t bytes) {
    if ((count & (count - 1)) != 0) return list;
    return realloc(list, (count == 0 ? 1 : count * 2) * bytes);
}

bool trace_tables_add_process(struct trace_tables *tables,
                              const struct mallow_trace_process *process) {
    struct mallow_trace_process *list =
        tables_grow(tables->processes, tables->process_count, sizeof *list);
    if (list == NULL) return false;
    tables->processes = list;
    char *program = trace_copy_text(process->program, strlen(process->program));
    char *arguments = trace_copy_text(process->arguments, process->arguments_bytes);
    if (program == NULL || arguments == NULL) {
        free(program);
        free(arguments);
        return false;
    }
    struct mallow_trace_process *added = &list[tables->process_count++];
    *added = *process;
    added->program = program;
    added->arguments = arguments;
    return true;
}

bool trace_tables_add_thread(struct trace_tables *tables,
                             const struct mallow_trace_thread *thread) {
    struct mallow_trace_thread *list =
        tables_grow(tables->threads, tables->thread_count, sizeof *list);
    if (list == NULL) return false;
    tables->threads = list;
    char *name = trace_copy_text(thread->name, strlen(thread->name));
    if (name == NULL) return false;
    list[tables->thread_count] = *thread;
    list[tables->thread_count++].name = name;
    return true;
}

bool trace_tables_name_thread(struct trace_tables *tables, uint32_t thread, const char *name) {
    char *copy = trace_copy_text(name, strlen(name));
    if (copy == NULL) return false;
    free((char *)tables->threads[thread - 1].name);
    tables->threads[thread - 1].name = copy;
    return true;
}

bool trace_tables_add_module(struct trace_tables *tables,
                             const struct mallow_trace_module *module) {
    struct mallow_trace_module *list =
        tables_grow(tables->modules, tables->module_count, sizeof *list);
    if (list == NULL) return false;
    tables->modules = list;
    char *path = trace_copy_text(module->path, strlen(module->path));
    char *id = trace_copy_text(module->id, module->id_bytes);
    if (path == NULL || id == NULL) {
        free(path);
        free(id);
        return false;
    }
    struct mallow_trace_module *added = &list[tables->module_count++];
    *added = *module;
    added->path = path;
    added->id = (uint8_t *)id;
    return true;
}

bool trace_tables_add_frame(struct trace_tables *tables, const struct mallow_trace_frame *frame) {
    struct mallow_trace_frame *list =
        tables_grow(tables->frames, tables->frame_count, sizeof *list);
    if (list == NULL) return false;
    tables->frames = list;
    list[tables->frame_count++] = *frame;
    return true;
}

bool trace_tables_add_symbol(struct trace_tables *tables,
                             const struct mallow_trace_symbol *symbol) {
    struct mallow_trace_symbol *list =
        tables_grow(tables->symbols, tables->symbol_count, sizeof *list);
    if (list == NULL) return false;
    tables->symbols = list;
    char *function = trace_copy_text(symbol->function, strlen(symbol->function));
    char *file = trace_copy_text(symbol->file, strlen(symbol->file));
    if (function == NULL || file == NULL) {
        free(function);
        free(file);
        return false;
    }
    struct mallow_trace_symbol *added = &list[tables->symbol_count++];
    *added = *symbol;
    added->function = function;
    added->file = file;
    return true;
}

void trace_tables_clear(struct trace_tables *tables) {
    for (size_t i = 0; i < tables->process_count; i++) {
        free((char *)tables->processes[i].program);
        free((char *)tables->processes[i].arguments);
    }
    for (size_t i = 0; i < tables->thread_count; i++) free((char *)tables->threads[i].name);
    for (size_t i = 0; i < tables->module_count; i++) {
        free((char *)tables->modules[i].path);
        free((uint8_t *)tables->modules[i].id);
    }
    for (size_t i = 0; i < tables->symbol_count; i++) {
        free((char *)tables->symbols[i].function);
        free((char *)tables->symbols[i].file);
    }
    free(tables->symbols);
    free(tables->processes);
    free(tables->threads);
    free(tables->modules);
    free(tables->frames);
    *tables = (struct trace_tables){.processes = NULL};
}

/* ---- reading ---- */

/* Returns a copy of a text, which the caller frees, or NULL. */
static char *tables_read_text(struct trace_cursor *from) {
    size_t count;
    const uint8_t *text = trace_cursor_text(from, &count);
    return text == NULL ? NULL : trace_copy_text(text, count);
}

static bool tables_read_process(struct trace_tables *tables, struct trace_cursor *from) {
    struct mallow_trace_process process = {.pid = (uint32_t)trace_cursor_number(from)};
    process.parent = (uint32_t)trace_cursor_number(from);
    process.is_fork = trace_cursor_number(from) != 0;
    char *program = tables_read_text(from);
    process.program = program;
    process.arguments = (const char *)trace_cursor_text(from, &process.arguments_bytes);
    bool done = program != NULL && process.arguments != NULL &&
                process.parent <= tables->process_count &&
                trace_tables_add_process(tables, &process);
    free(program);
    return done;
}

static bool tables_read_thread(struct trace_tables *tables, struct trace_cursor *from) {
    struct mallow_trace_thread thread = {.process = (uint32_t)trace_cursor_number(from)};
    thread.tid = (uint32_t)trace_cursor_number(from);
    char *name = tables_read_text(from);
    thread.name = name;
    bool done = name != NULL && thread.process >= 1 && thread.process <= tables->process_count &&
                trace_tables_add_thread(tables, &thread);
    free(name);
    return done;
}

static bool tables_read_name(struct trace_tables *tables, struct trace_cursor *from) {
    uint64_t thread = trace_cursor_number(from);
    char *name = tables_read_text(from);
    bool done = name != NULL && thread >= 1 && thread <= tables->thread_count &&
                trace_tables_name_thread(tables, (uint32_t)thread, name);
    free(name);
    return done;
}

static bool tables_read_module(struct trace_tables *tables, struct trace_cursor *from) {
    struct mallow_trace_module module = {.process = (uint32_t)trace_cursor_number(from)};
    module.start = trace_cursor_number(from);
    module.end = module.start + trace_cursor_number(from);
    module.offset = trace_cursor_number(from);
    char *path = tables_read_text(from);
    module.path = path;
    module.id = trace_cursor_text(from, &module.id_bytes);
    bool done = path != NULL && module.id != NULL && module.process >= 1 &&
                module.process <= tables->process_count && module.end >= module.start &&
                trace_tables_add_module(tables, &module);
    free(path);
    return done;
}

/* Reads the numbers of a frame that has that symbol. */
static bool tables_read_numbers(struct trace_tables *tables, struct trace_cursor *from,
                                uint32_t symbol) {
    size_t last = tables->frame_count;
    struct mallow_trace_frame frame = {.pc = last == 0 ? 0 : tables->frames[last - 1].pc,
                                       .symbol = symbol};
    uint64_t module = trace_cursor_number(from), distance = trace_cursor_number(from);
    frame.pc += trace_unfold(trace_cursor_number(from));
    if (from->failed || module > tables->module_count || distance > last || last + 1 > UINT32_MAX)
        return false;
    frame.module = (uint32_t)module;
    frame.caller = distance == 0 ? 0 : (uint32_t)(last + 1 - distance);
    return trace_tables_add_frame(tables, &frame);
}

static bool tables_read_frame(struct trace_tables *tables, struct trace_cursor *from) {
    return tables_read_numbers(tables, from, 0);
}

static bool tables_read_named(struct trace_tables *tables, struct trace_cursor *from) {
    uint64_t symbol = trace_cursor_number(from);
    return symbol >= 1 && symbol <= tables->symbol_count &&
           tables_read_numbers(tables, from, (uint32_t)symbol);
}

static bool tables_read_symbol(struct trace_tables *tables, struct trace_cursor *from) {
    struct mallow_trace_symbol symbol = {.is_inlined = trace_cursor_number(from) != 0};
    symbol.line = (uint32_t)trace_cursor_number(from);
    char *function = tables_read_text(from), *file = tables_read_text(from);
    symbol.function = function;
    symbol.file = file;
    bool done = function != NULL && file != NULL && trace_tables_add_symbol(tables, &symbol);
    free(function);
    free(file);
    return done;
}

bool trace_tables_read(struct trace_tables *tables, struct trace_cursor *from) {
    static bool (*const read[])(struct trace_tables *tables, struct trace_cursor *from) = {
        [TRACE_RECORD_PROCESS] = tables_read_process, [TRACE_RECORD_THREAD] = tables_read_thread,
        [TRACE_RECORD_NAME] = tables_read_name,       [TRACE_RECORD_MODULE] = tables_read_module,
        [TRACE_RECORD_FRAME] = tables_read_frame,     [TRACE_RECORD_SYMBOL] = tables_read_symbol,
        [TRACE_RECORD_NAMED] = tables_read_named,
    };
    while (from->at < from->end) {
        uint64_t type = trace_cursor_number(from);
        if (type < TRACE_RECORD_PROCESS || type > TRACE_RECORD_NAMED || !read[type](tables, from))
            return false;
    }
    return !from->failed;
}
