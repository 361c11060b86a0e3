/* The tables and the live blocks of a reader, and the names of kinds. */
#include "trace_state.h"

size_t mallow_trace_processes(const struct mallow_trace *trace) {
    return trace->tables.process_count;
}

size_t mallow_trace_threads(const struct mallow_trace *trace) { return trace->tables.thread_count; }

size_t mallow_trace_modules(const struct mallow_trace *trace) { return trace->tables.module_count; }

size_t mallow_trace_frames(const struct mallow_trace *trace) { return trace->tables.frame_count; }

size_t mallow_trace_symbols(const struct mallow_trace *trace) { return trace->tables.symbol_count; }

const struct mallow_trace_process *mallow_trace_process(const struct mallow_trace *trace,
                                                        uint32_t number) {
    bool exists = number >= 1 && number <= trace->tables.process_count;
    return exists ? &trace->tables.processes[number - 1] : NULL;
}

const struct mallow_trace_thread *mallow_trace_thread(const struct mallow_trace *trace,
                                                      uint32_t number) {
    bool exists = number >= 1 && number <= trace->tables.thread_count;
    return exists ? &trace->tables.threads[number - 1] : NULL;
}

const struct mallow_trace_module *mallow_trace_module(const struct mallow_trace *trace,
                                                      uint32_t number) {
    bool exists = number >= 1 && number <= trace->tables.module_count;
    return exists ? &trace->tables.modules[number - 1] : NULL;
}

const struct mallow_trace_frame *mallow_trace_frame(const struct mallow_trace *trace,
                                                    uint32_t number) {
    bool exists = number >= 1 && number <= trace->tables.frame_count;
    return exists ? &trace->tables.frames[number - 1] : NULL;
}

const struct mallow_trace_symbol *mallow_trace_symbol(const struct mallow_trace *trace,
                                                      uint32_t number) {
    bool exists = number >= 1 && number <= trace->tables.symbol_count;
    return exists ? &trace->tables.symbols[number - 1] : NULL;
}

uint64_t mallow_trace_live_blocks(const struct mallow_trace *trace) { return trace->live.count; }

uint64_t mallow_trace_live_bytes(const struct mallow_trace *trace) { return trace->live.bytes; }

const struct mallow_trace_block *mallow_trace_live_block(const struct mallow_trace *trace,
                                                         uint32_t process, uint64_t address) {
    return trace_live_find(&trace->live, process, address);
}

void mallow_trace_each_live(const struct mallow_trace *trace,
                            void (*call)(const struct mallow_trace_block *block, void *context),
                            void *context) {
    for (size_t i = 0; i < trace->live.room; i++)
        if (trace->live.blocks[i].event != TRACE_NO_EVENT) call(&trace->live.blocks[i], context);
}

const char *mallow_trace_kind_name(uint8_t kind) {
    static const char *const names[MALLOW_TRACE_KINDS] = {
        [MALLOW_TRACE_MALLOC] = "malloc",
        [MALLOW_TRACE_CALLOC] = "calloc",
        [MALLOW_TRACE_REALLOC] = "realloc",
        [MALLOW_TRACE_REALLOCARRAY] = "reallocarray",
        [MALLOW_TRACE_ALIGNED_ALLOC] = "aligned_alloc",
        [MALLOW_TRACE_MEMALIGN] = "memalign",
        [MALLOW_TRACE_POSIX_MEMALIGN] = "posix_memalign",
        [MALLOW_TRACE_VALLOC] = "valloc",
        [MALLOW_TRACE_PVALLOC] = "pvalloc",
        [MALLOW_TRACE_NEW] = "operator new",
        [MALLOW_TRACE_NEW_ARRAY] = "operator new[]",
        [MALLOW_TRACE_FREE] = "free",
        [MALLOW_TRACE_FREE_SIZED] = "free_sized",
        [MALLOW_TRACE_FREE_ALIGNED_SIZED] = "free_aligned_sized",
        [MALLOW_TRACE_DELETE] = "operator delete",
        [MALLOW_TRACE_DELETE_ARRAY] = "operator delete[]",
        [MALLOW_TRACE_TRIM] = "malloc_trim",
        [MALLOW_TRACE_MMAP] = "mmap",
        [MALLOW_TRACE_MUNMAP] = "munmap",
        [MALLOW_TRACE_MREMAP] = "mremap",
        [MALLOW_TRACE_BRK] = "brk",
        [MALLOW_TRACE_MPROTECT] = "mprotect",
        [MALLOW_TRACE_MADVISE] = "madvise",
        [MALLOW_TRACE_THREAD_START] = "thread start",
        [MALLOW_TRACE_THREAD_END] = "thread end",
        [MALLOW_TRACE_FORK] = "fork",
        [MALLOW_TRACE_EXEC] = "exec",
        [MALLOW_TRACE_EXIT] = "exit",
        [MALLOW_TRACE_RESIDENT] = "resident",
        [MALLOW_TRACE_LOST] = "lost",
        [MALLOW_TRACE_PAUSE] = "pause",
        [MALLOW_TRACE_RESUME] = "resume",
    };
    return kind < MALLOW_TRACE_KINDS && names[kind] != NULL ? names[kind] : "?";
}
