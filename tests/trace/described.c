/* Writes a trace to a file, and prints what the library reads from it, for described.py.
 *
 * Usage: described FILE SEED */
#include "trace_test.h"

#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

static void print_event(const struct mallow_trace_event *event) {
    printf("%u %u %" PRIu64 " %u %u %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
           " %u %u %u %u\n",
           event->kind, event->is_caused, event->time, event->thread, event->process, event->stack,
           event->address, event->old_address, event->size, event->count, event->error,
           event->protection, event->flags, event->follows_cause);
}

int main(int argc, char **argv) {
    if (argc != 3) errx(2, "usage: described FILE SEED");
    uint64_t seed = strtoull(argv[2], NULL, 10);
    struct written written = write_file((struct shape){.seed = seed,
                                                       .events = 200000,
                                                       .limit = 3000,
                                                       .processes = (uint32_t)seed,
                                                       .sync = seed % 2 * 999,
                                                       .checkpoints = 50000,
                                                       .resolution = seed == 2 ? 100 : 1000});
    if (rename(written.path, argv[1]) != 0) err(1, "%s", argv[1]);
    struct mallow_trace *trace = mallow_trace_open(argv[1], 0);
    const struct mallow_trace_event *event;
    const struct mallow_trace_facts *facts = mallow_trace_get_facts(trace);
    printf("%u %" PRIu64 " %u %u %d %s %s %s\n", facts->resolution, facts->start, facts->page_size,
           facts->processors, facts->has_stacks, facts->allocator, facts->machine, facts->recorder);
    for (uint32_t i = 1; i <= mallow_trace_frames(trace); i++) {
        const struct mallow_trace_frame *frame = mallow_trace_frame(trace, i);
        printf("frame %" PRIu64 " %u %u", frame->pc, frame->caller, frame->module);
        const struct mallow_trace_symbol *symbol = mallow_trace_symbol(trace, frame->symbol);
        if (symbol != NULL)
            printf(" %d %u %s %s", symbol->is_inlined, symbol->line, symbol->function,
                   symbol->file);
        putchar('\n');
    }
    while ((event = mallow_trace_next(trace)) != NULL) print_event(event);
    if (mallow_trace_error(trace) != NULL) errx(1, "%s", mallow_trace_error(trace));
    mallow_trace_close(trace);
    free(written.events);
    return 0;
}
