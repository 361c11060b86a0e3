/* mallow strace: prints the system calls that the allocations of a trace caused. */
#include "trace/strace.h"

#include <err.h>
#include <stdlib.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "proc/symbol_root.h"

#define EXIT_BAD_TRACE 2
#define STRACE_TOP_DEFAULT 20

static const char strace_help[] =
    "Usage: mallow strace [OPTION...] FILE\n"
    "Prints the system calls in a trace that the allocations of the program caused, and\n"
    "which call of the malloc family caused each of them. 'mallow run --trace=FILE\n"
    "--trace-stacks' records a trace with the call sites.\n"
    "\n"
    "Options:\n"
    "  --totals       print the sums of each call site, the most frequent first\n"
    "  --top=N        print at most N sums; 0: all; default: 20\n"
    "  --all          print the system calls that the program itself made, too\n"
    "  --stacks       print the stack of each call, too\n"
    "  --process=PID  print only the calls of this process\n"
    "  --sysroot=DIR  look for the program's files in DIR first\n"
    "  --json         print the calls as JSON\n"
    "  --help         print this text\n"
    "  --version      print the version\n"
    "\n"
    "The exit status is 0, or 2 if FILE cannot be read or is not a trace.\n";

/* System calls come before the call that caused them, unless they follow it, but are printed with
 * it. Those that wait are in the order of the trace, and a call that waits holds back those behind
 * it. */
struct strace_queue {
    struct strace_call *list;
    size_t first, count;
    struct mallow_trace_event *last; /* the last call of each thread, by its number */
    size_t threads;
};

/* Prints the calls at the beginning of the queue that are complete. */
static void strace_flush(struct strace *strace, struct strace_queue *queue) {
    for (; queue->first < queue->count && queue->list[queue->first].is_complete; queue->first++) {
        const struct strace_call *call = &queue->list[queue->first];
        if (strace->settings.totals)
            strace_add_total(strace, call);
        else
            strace_print_call(strace, call);
        strace->count++;
    }
    if (queue->first == queue->count) queue->first = queue->count = 0;
}

static bool strace_is_wanted(const struct strace *strace, const struct mallow_trace_event *event) {
    const struct mallow_trace_process *process =
        mallow_trace_process(strace->trace, event->process);
    if (!event->is_caused && !strace->settings.all) return false;
    return strace->settings.process == 0 ||
           (process != NULL && process->pid == strace->settings.process);
}

static bool strace_is_cause(const struct mallow_trace_event *event) {
    return mallow_trace_is_allocation(event->kind) || mallow_trace_is_free(event->kind) ||
           event->kind == MALLOW_TRACE_TRIM;
}

static void strace_note_last(struct strace_queue *queue, const struct mallow_trace_event *event) {
    for (; queue->threads <= event->thread; queue->threads++) {
        queue->last = xgrow(queue->last, queue->threads, sizeof *queue->last);
        queue->last[queue->threads] = (struct mallow_trace_event){.kind = 0};
    }
    queue->last[event->thread] = *event;
}

/* Completes the calls of the thread that wait for their cause, which is the event. */
static void strace_complete(struct strace *strace, struct strace_queue *queue,
                            const struct mallow_trace_event *event) {
    /* Resident memory is measured by the recorder. */
    if (event->kind == MALLOW_TRACE_RESIDENT || event->kind == MALLOW_TRACE_THREAD_START) return;
    for (size_t i = queue->first; i < queue->count; i++) {
        struct strace_call *call = &queue->list[i];
        if (call->is_complete || call->event.thread != event->thread) continue;
        if (strace_is_cause(event)) call->cause = *event;
        call->is_complete = true;
    }
    strace_flush(strace, queue);
}

static void strace_add(struct strace *strace, struct strace_queue *queue,
                       const struct mallow_trace_event *event) {
    queue->list = xgrow(queue->list, queue->count, sizeof *queue->list);
    struct strace_call *call = &queue->list[queue->count++];
    *call = (struct strace_call){.event = *event,
                                 .is_complete = !event->is_caused || event->follows_cause};
    if (event->follows_cause && event->thread < queue->threads)
        call->cause = queue->last[event->thread];
    strace_flush(strace, queue);
}

static void strace_read(struct strace *strace) {
    struct strace_queue queue = {.count = 0};
    const struct mallow_trace_event *event;
    while ((event = mallow_trace_next(strace->trace)) != NULL) {
        if (!mallow_trace_is_system_call(event->kind)) {
            if (queue.count != 0) strace_complete(strace, &queue, event);
            if (strace_is_cause(event)) strace_note_last(&queue, event);
        } else if (strace_is_wanted(strace, event)) {
            strace_add(strace, &queue, event);
        }
    }
    for (size_t i = queue.first; i < queue.count; i++) queue.list[i].is_complete = true;
    strace_flush(strace, &queue);
    free(queue.list);
    free(queue.last);
}

static int strace_run(const char *path, const struct strace_settings *settings) {
    struct strace strace = {.trace = mallow_trace_open(path, 0), .settings = *settings};
    if (mallow_trace_error(strace.trace) != NULL)
        errx(EXIT_BAD_TRACE, "%s", mallow_trace_error(strace.trace));
    strace.stacks = trace_stacks_open(strace.trace);
    if (!settings->totals) strace_begin_list(&strace);
    strace_read(&strace);
    if (mallow_trace_error(strace.trace) != NULL)
        errx(EXIT_BAD_TRACE, "%s", mallow_trace_error(strace.trace));
    (settings->totals ? strace_print_totals : strace_end_list)(&strace);
    if (mallow_trace_damage(strace.trace) != NULL) warnx("%s", mallow_trace_damage(strace.trace));
    trace_stacks_close(strace.stacks);
    mallow_trace_close(strace.trace);
    return print_text("");
}

enum { OPTION_TOTALS = OPTION_OWN, OPTION_TOP, OPTION_ALL, OPTION_STACKS, OPTION_PROCESS };

int strace_command(int argc, char **argv) {
    static const struct option options[] = {
        {"totals", no_argument, NULL, OPTION_TOTALS},
        {"top", required_argument, NULL, OPTION_TOP},
        {"all", no_argument, NULL, OPTION_ALL},
        {"stacks", no_argument, NULL, OPTION_STACKS},
        {"process", required_argument, NULL, OPTION_PROCESS},
        {"sysroot", required_argument, NULL, OPTION_SYSROOT},
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    struct strace_settings settings = {.top = STRACE_TOP_DEFAULT};
    int option;
    while ((option = next_option(argc, argv, options, strace_help)) != -1) {
        switch (option) {
        case OPTION_TOTALS:
            settings.totals = true;
            break;
        case OPTION_TOP:
            settings.top = number_value("--top", optarg);
            break;
        case OPTION_ALL:
            settings.all = true;
            break;
        case OPTION_STACKS:
            settings.stacks = true;
            break;
        case OPTION_PROCESS:
            settings.process = number_value("--process", optarg);
            break;
        case OPTION_SYSROOT:
            symbol_root_set(optarg);
            break;
        case OPTION_JSON:
            settings.json = true;
            break;
        }
    }
    return strace_run(operands(argc, argv, 1, 1, "FILE")[0], &settings);
}
