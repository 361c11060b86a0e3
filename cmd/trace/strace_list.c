/* mallow strace: the system calls in their order. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/json.h"
#include "common/xalloc.h"
#include "sites/site_print.h"
#include "trace/strace.h"

/* ---- for people ---- */

static void strace_print_cause(const struct strace *strace, const struct strace_call *call) {
    const struct mallow_trace_event *cause = &call->cause;
    char *site = strace_site(strace, strace_frame(call));
    if (cause->kind != 0)
        printf("    for %s", mallow_trace_kind_name(cause->kind));
    else
        printf("    %s", call->event.is_caused ? "for an unknown call" : "by the program");
    if (mallow_trace_is_allocation(cause->kind))
        printf(" of %" PRIu64 " byte%s", mallow_trace_bytes(cause),
               plural(mallow_trace_bytes(cause)));
    printf("%s%s\n", site == NULL ? "" : " in ", site == NULL ? "" : site);
    free(site);
}

static void strace_print_text(const struct strace *strace, const struct strace_call *call) {
    const struct mallow_trace_event *event = &call->event;
    const struct mallow_trace_thread *thread = mallow_trace_thread(strace->trace, event->thread);
    printf("%12.6f %7" PRIu32 " ", (double)event->time / 1e9, thread == NULL ? 0 : thread->tid);
    strace_write_call(stdout, event);
    putchar('\n');
    strace_print_cause(strace, call);
    if (strace->settings.stacks)
        site_print_stack(trace_stacks_tree(strace->stacks),
                         trace_stacks_number(strace->stacks, strace_frame(call)));
}

/* ---- as JSON ---- */

static void strace_print_json_cause(const struct strace_call *call) {
    if (call->cause.kind == 0) {
        fputs("null", stdout);
        return;
    }
    putchar('{');
    site_json_text("function", mallow_trace_kind_name(call->cause.kind));
    if (mallow_trace_is_allocation(call->cause.kind))
        printf(",\"bytes\":%" PRIu64, mallow_trace_bytes(&call->cause));
    putchar('}');
}

static void strace_print_json(const struct strace *strace, const struct strace_call *call) {
    const struct mallow_trace_event *event = &call->event;
    const struct mallow_trace_thread *thread = mallow_trace_thread(strace->trace, event->thread);
    const struct mallow_trace_process *process =
        mallow_trace_process(strace->trace, event->process);
    char *text, *site = strace_site(strace, strace_frame(call));
    size_t length;
    FILE *to = xopen_memstream(&text, &length);
    strace_write_call(to, event);
    xclose_memstream(to);
    printf("%s{\"seconds\":%.9f,\"process\":%" PRIu32 ",\"thread\":%" PRIu32 ",",
           strace->count == 0 ? "" : ",", (double)event->time / 1e9,
           process == NULL ? 0 : process->pid, thread == NULL ? 0 : thread->tid);
    site_json_text("call", mallow_trace_kind_name(event->kind));
    putchar(',');
    site_json_text("text", text);
    printf(",\"bytes\":%" PRIu64 ",\"error\":", event->size);
    if (event->error == 0)
        fputs("null", stdout);
    else
        printf("\"%s\"", strace_error_name(event->error));
    printf(",\"caused\":%s,\"cause\":", event->is_caused ? "true" : "false");
    strace_print_json_cause(call);
    putchar(',');
    site_json_text("site", site == NULL ? "" : site);
    if (strace->settings.stacks) {
        putchar(',');
        site_json_stack(trace_stacks_tree(strace->stacks),
                        trace_stacks_number(strace->stacks, strace_frame(call)));
    }
    putchar('}');
    free(text);
    free(site);
}

void strace_begin_list(const struct strace *strace) {
    if (strace->settings.json) fputs("{\"calls\":[", stdout);
}

void strace_print_call(struct strace *strace, const struct strace_call *call) {
    (strace->settings.json ? strace_print_json : strace_print_text)(strace, call);
}

void strace_end_list(const struct strace *strace) {
    uint64_t events = mallow_trace_events(strace->trace);
    if (strace->settings.json)
        printf("],\"count\":%" PRIu64 ",\"events\":%" PRIu64 "}\n", strace->count, events);
    else
        printf("%" PRIu64 " system call%s in %" PRIu64 " event%s\n", strace->count,
               plural(strace->count), events, plural(events));
}
