/* Writes a trace with system calls whose causes come later, of two threads and a forked process,
 * and ends in the middle of a call. Usage: strace_trace FILE */
#include <err.h>
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "trace_writer.h"

enum { FIRST = 1, SECOND, CHILD };

static const struct mallow_trace_event events[] = {
    {.kind = MALLOW_TRACE_MMAP,
     .thread = FIRST,
     .address = 0x7000,
     .size = 8192,
     .protection = 3,
     .flags = MAP_PRIVATE | MAP_ANONYMOUS,
     .is_caused = true},
    /* The cause of the first one is not the call of another thread. */
    {.kind = MALLOW_TRACE_MALLOC, .thread = SECOND, .address = 0x100, .size = 10, .stack = 2},
    {.kind = MALLOW_TRACE_MPROTECT,
     .thread = SECOND,
     .address = 0x8000,
     .size = 4096,
     .protection = PROT_EXEC,
     .error = ENOMEM,
     .is_caused = true},
    {.kind = MALLOW_TRACE_RESIDENT, .thread = FIRST, .size = 1 << 20},
    {.kind = MALLOW_TRACE_MADVISE,
     .thread = FIRST,
     .address = 0x7000,
     .size = 4096,
     .flags = MADV_HUGEPAGE,
     .is_caused = true},
    {.kind = MALLOW_TRACE_CALLOC,
     .thread = FIRST,
     .address = 0x200,
     .size = 30,
     .count = 2,
     .stack = 3},
    {.kind = MALLOW_TRACE_FREE, .thread = SECOND, .old_address = 0x100, .stack = 4},
    /* The program's own. */
    {.kind = MALLOW_TRACE_MMAP,
     .thread = FIRST,
     .address = 0x9000,
     .size = 4096,
     .protection = 1,
     .flags = MAP_SHARED | MAP_POPULATE,
     .count = 0x3000,
     .stack = 1},
    {.kind = MALLOW_TRACE_BRK,
     .thread = CHILD,
     .old_address = 0x5000,
     .address = 0x5000,
     .is_caused = true},
    {.kind = MALLOW_TRACE_MALLOC, .thread = CHILD, .error = ENOMEM, .size = 1},
    {.kind = MALLOW_TRACE_MREMAP,
     .thread = FIRST,
     .address = 0xa000,
     .old_address = 0x7000,
     .count = 8192,
     .size = 16384,
     .flags = MREMAP_MAYMOVE | MREMAP_FIXED,
     .is_caused = true},
    {.kind = MALLOW_TRACE_REALLOC,
     .thread = FIRST,
     .address = 0xa000,
     .old_address = 0x7000,
     .size = 16000,
     .stack = 2},
    {.kind = MALLOW_TRACE_MADVISE,
     .thread = FIRST,
     .address = 0x7000,
     .size = 4096,
     .flags = 99,
     .is_caused = true},
    {.kind = MALLOW_TRACE_TRIM, .thread = FIRST},
    {.kind = MALLOW_TRACE_MUNMAP,
     .thread = SECOND,
     .address = 0x7000,
     .size = 4096,
     .is_caused = true},
};

static const struct {
    const char *function;
    uint32_t line;
    uint32_t caller;
} frames[] = {
    {"main", 10, 0}, {"work", 20, 1}, {"fill", 30, 1}, {"operator new(unsigned long)", 40, 2}};

int main(int argc, char **argv) {
    if (argc != 2) errx(2, "usage: strace_trace FILE");
    struct trace_writer *writer = trace_writer_create(
        argv[1], &(struct mallow_trace_facts){.allocator = "", .machine = "", .recorder = ""});
    struct mallow_trace_process process = {.pid = 1000, .program = "/p", .arguments = ""};
    trace_writer_process(writer, &process);
    trace_writer_process(
        writer, &(struct mallow_trace_process){
                    .pid = 2000, .parent = 1, .is_fork = true, .program = "/p", .arguments = ""});
    for (uint32_t i = FIRST; i <= CHILD; i++)
        trace_writer_thread(writer, &(struct mallow_trace_thread){
                                        .process = i == CHILD ? 2 : 1, .tid = 100 * i, .name = ""});
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        uint32_t symbol = trace_writer_symbol(
            writer, &(struct mallow_trace_symbol){.function = frames[i].function,
                                                  .file = "/src/p.c",
                                                  .line = frames[i].line});
        trace_writer_named_frame(writer, &(struct mallow_trace_frame){.pc = 0x400000 + i,
                                                                      .caller = frames[i].caller,
                                                                      .symbol = symbol});
    }
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct mallow_trace_event event = events[i];
        event.time = 1000000 * (i + 1);
        if (!trace_writer_add(writer, &event)) errx(1, "%s", trace_writer_error(writer));
    }
    char *error = trace_writer_close(writer);
    if (error != NULL) errx(1, "%s", error);
    return 0;
}
