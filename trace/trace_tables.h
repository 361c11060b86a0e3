/* The tables of a trace: processes, threads, modules, frames of stacks, and symbols. */
#ifndef MALLOW_TRACE_TABLES_H
#define MALLOW_TRACE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow/trace.h"
#include "trace_bytes.h"

/* A TABLES block is a sequence of records, each of which begins with its type. Numbers of entries
 * count on from the blocks before. */
enum trace_record {
    TRACE_RECORD_PROCESS = 1, /* pid, parent, is_fork, program, arguments */
    TRACE_RECORD_THREAD,      /* process, tid, name */
    TRACE_RECORD_NAME,        /* thread, its new name */
    TRACE_RECORD_MODULE,      /* process, start, bytes, offset, path, build ID */
    TRACE_RECORD_FRAME,       /* module; number of this frame less that of its caller, or 0;
                               * folded distance of pc from that of the frame before this one */
    TRACE_RECORD_SYMBOL,      /* is_inlined, line, function, file */
    TRACE_RECORD_NAMED,       /* a frame with a symbol: its number, and the numbers of FRAME */
};

/* Initialized to zero. The texts belong to the tables. */
struct trace_tables {
    struct mallow_trace_process *processes; /* number 1 has index 0 */
    struct mallow_trace_thread *threads;
    struct mallow_trace_module *modules;
    struct mallow_trace_frame *frames;
    struct mallow_trace_symbol *symbols;
    size_t process_count, thread_count, module_count, frame_count, symbol_count;
};

/* Add an entry with copies of its texts. Return false if there is no memory. */
bool trace_tables_add_process(struct trace_tables *tables,
                              const struct mallow_trace_process *process);
bool trace_tables_add_thread(struct trace_tables *tables, const struct mallow_trace_thread *thread);
bool trace_tables_add_module(struct trace_tables *tables, const struct mallow_trace_module *module);
bool trace_tables_add_frame(struct trace_tables *tables, const struct mallow_trace_frame *frame);
bool trace_tables_add_symbol(struct trace_tables *tables, const struct mallow_trace_symbol *symbol);
bool trace_tables_name_thread(struct trace_tables *tables, uint32_t thread, const char *name);

void trace_tables_clear(struct trace_tables *tables);

/* Adds the records of a block. Returns false if they contradict the format or there is no memory;
 * those before the first such one are added. */
bool trace_tables_read(struct trace_tables *tables, struct trace_cursor *from);

#endif
