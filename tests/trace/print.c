/* Prints a trace for the tests that are written in Python: a line of JSON for the facts and the
 * tables, and a line of numbers for each event, or for the last one.
 *
 * Usage: trace_print FILE [last] */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "mallow/trace.h"

static void print_text(const char *text) {
    putchar('"');
    for (; *text != '\0'; text++)
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
            printf("\\u%04x", (unsigned char)*text);
        else
            putchar(*text);
    putchar('"');
}

static void print_processes(const struct mallow_trace *trace) {
    for (uint32_t i = 1; i <= mallow_trace_processes(trace); i++) {
        const struct mallow_trace_process *process = mallow_trace_process(trace, i);
        printf("%s{\"pid\":%" PRIu32 ",\"parent\":%" PRIu32 ",\"is_fork\":%d,\"program\":",
               i == 1 ? "" : ",", process->pid, process->parent, process->is_fork);
        print_text(process->program);
        printf(",\"argument\":");
        print_text(process->arguments_bytes == 0 ? "" : process->arguments);
        putchar('}');
    }
}

static void print_threads(const struct mallow_trace *trace) {
    for (uint32_t i = 1; i <= mallow_trace_threads(trace); i++) {
        const struct mallow_trace_thread *thread = mallow_trace_thread(trace, i);
        printf("%s{\"process\":%" PRIu32 ",\"tid\":%" PRIu32 ",\"name\":", i == 1 ? "" : ",",
               thread->process, thread->tid);
        print_text(thread->name);
        putchar('}');
    }
}

static void print_modules(const struct mallow_trace *trace) {
    for (uint32_t i = 1; i <= mallow_trace_modules(trace); i++) {
        const struct mallow_trace_module *module = mallow_trace_module(trace, i);
        printf("%s{\"process\":%" PRIu32 ",\"start\":%" PRIu64 ",\"end\":%" PRIu64
               ",\"offset\":%" PRIu64 ",\"id_bytes\":%zu,\"path\":",
               i == 1 ? "" : ",", module->process, module->start, module->end, module->offset,
               module->id_bytes);
        print_text(module->path);
        putchar('}');
    }
}

static void print_frames(const struct mallow_trace *trace) {
    for (uint32_t i = 1; i <= mallow_trace_frames(trace); i++) {
        const struct mallow_trace_frame *frame = mallow_trace_frame(trace, i);
        printf("%s[%" PRIu64 ",%" PRIu32 ",%" PRIu32, i == 1 ? "" : ",", frame->pc, frame->caller,
               frame->module);
        if (frame->symbol != 0) printf(",%" PRIu32, frame->symbol);
        putchar(']');
    }
}

static void print_symbols(const struct mallow_trace *trace) {
    for (uint32_t i = 1; i <= mallow_trace_symbols(trace); i++) {
        const struct mallow_trace_symbol *symbol = mallow_trace_symbol(trace, i);
        printf("%s{\"is_inlined\":%d,\"line\":%" PRIu32 ",\"function\":", i == 1 ? "" : ",",
               symbol->is_inlined, symbol->line);
        print_text(symbol->function);
        printf(",\"file\":");
        print_text(symbol->file);
        putchar('}');
    }
}

static void print_head(const struct mallow_trace *trace) {
    const struct mallow_trace_facts *facts = mallow_trace_get_facts(trace);
    printf("{\"start\":%" PRIu64 ",\"page_size\":%" PRIu32 ",\"processors\":%" PRIu32
           ",\"has_stacks\":%d,\"events\":%" PRIu64 ",\"allocator\":",
           facts->start, facts->page_size, facts->processors, facts->has_stacks,
           mallow_trace_events(trace));
    print_text(facts->allocator);
    printf(",\"recorder\":");
    print_text(facts->recorder);
    printf(",\"processes\":[");
    print_processes(trace);
    printf("],\"threads\":[");
    print_threads(trace);
    printf("],\"modules\":[");
    print_modules(trace);
    printf("],\"frames\":[");
    print_frames(trace);
    printf("],\"symbols\":[");
    print_symbols(trace);
    printf("]}\n");
}

static void print_event(const struct mallow_trace_event *event) {
    printf("%s %" PRIu64 " %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
           " %" PRIu32 " %" PRIu32 " %" PRIu32 " %u %d %d\n",
           mallow_trace_kind_name(event->kind), event->time, event->thread, event->process,
           event->address, event->old_address, event->size, event->count, event->stack,
           event->protection, event->flags, event->error, event->is_caused, event->follows_cause);
}

int main(int argc, char **argv) {
    if (argc < 2) errx(2, "usage: trace_print FILE [last]");
    struct mallow_trace *trace = mallow_trace_open(argv[1], 0);
    struct mallow_trace_event last = {.kind = 0};
    const struct mallow_trace_event *event;
    if (mallow_trace_error(trace) != NULL) errx(1, "%s", mallow_trace_error(trace));
    print_head(trace);
    while ((event = mallow_trace_next(trace)) != NULL)
        if (argc == 2)
            print_event(event);
        else
            last = *event;
    if (last.kind != 0) print_event(&last);
    if (mallow_trace_error(trace) != NULL) errx(1, "%s", mallow_trace_error(trace));
    if (mallow_trace_damage(trace) != NULL) warnx("%s", mallow_trace_damage(trace));
    mallow_trace_close(trace);
}
