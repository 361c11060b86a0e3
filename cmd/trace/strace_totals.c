/* mallow strace --totals: the system calls of each call site. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/index_map.h"
#include "common/json.h"
#include "common/xalloc.h"
#include "proc/amount.h"
#include "sites/site_print.h"
#include "trace/strace.h"

/* The system calls of one kind that the calls of one function at one place made. */
struct strace_total {
    uint8_t kind, cause;
    uint32_t place, frame; /* of the first one */
    uint64_t calls, bytes, errors;
};

static struct {
    struct strace_total *list;
    size_t count;
    struct index_map numbers; /* of places and kinds, to indexes + 1 */
} strace_totals;

static struct strace_total *strace_total_of(const struct strace *strace,
                                            const struct strace_call *call) {
    uint32_t frame = strace_frame(call);
    uint32_t place = trace_stacks_place(strace->stacks, trace_stacks_site(strace->stacks, frame));
    uint32_t kinds = (uint32_t)call->event.kind << 8 | call->cause.kind;
    uint32_t *number = index_map_add(&strace_totals.numbers, index_map_pair(place, kinds));
    if (*number != 0) return &strace_totals.list[*number - 1];
    strace_totals.list = xgrow(strace_totals.list, strace_totals.count, sizeof *strace_totals.list);
    struct strace_total *total = &strace_totals.list[strace_totals.count++];
    *total = (struct strace_total){
        .kind = call->event.kind, .cause = call->cause.kind, .place = place, .frame = frame};
    *number = (uint32_t)strace_totals.count;
    return total;
}

void strace_add_total(const struct strace *strace, const struct strace_call *call) {
    struct strace_total *total = strace_total_of(strace, call);
    total->calls++;
    total->bytes += call->event.kind == MALLOW_TRACE_BRK ? 0 : call->event.size;
    total->errors += call->event.error != 0;
}

/* The most calls first. */
static int strace_compare_totals(const void *a, const void *b) {
    const struct strace_total *left = a, *right = b;
    if (left->calls != right->calls) return left->calls < right->calls ? 1 : -1;
    if (left->bytes != right->bytes) return left->bytes < right->bytes ? 1 : -1;
    return left->place < right->place ? -1 : left->place > right->place;
}

static const char *strace_cause_name(const struct strace_total *total) {
    return total->cause == 0 ? "" : mallow_trace_kind_name(total->cause);
}

static void strace_print_total(const struct strace *strace, const struct strace_total *total) {
    char *site = strace_site(strace, total->frame);
    printf("%10" PRIu64 " %12s %7" PRIu64 "  %-8s  %-14s %s\n", total->calls,
           amount_of(total->bytes).text, total->errors, mallow_trace_kind_name(total->kind),
           strace_cause_name(total), site == NULL ? "unknown" : site);
    if (strace->settings.stacks)
        site_print_stack(trace_stacks_tree(strace->stacks),
                         trace_stacks_number(strace->stacks, total->frame));
    free(site);
}

static void strace_print_json_total(const struct strace *strace, const struct strace_total *total) {
    char *site = strace_site(strace, total->frame);
    putchar('{');
    site_json_text("call", mallow_trace_kind_name(total->kind));
    putchar(',');
    site_json_text("cause", strace_cause_name(total));
    printf(",\"calls\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"errors\":%" PRIu64 ",", total->calls,
           total->bytes, total->errors);
    site_json_text("site", site == NULL ? "" : site);
    putchar(',');
    site_json_stack(trace_stacks_tree(strace->stacks),
                    trace_stacks_number(strace->stacks, total->frame));
    putchar('}');
    free(site);
}

void strace_print_totals(const struct strace *strace) {
    const struct strace_settings *settings = &strace->settings;
    size_t shown = settings->top == 0 || settings->top > strace_totals.count ? strace_totals.count
                                                                             : settings->top;
    if (strace_totals.count != 0)
        qsort(strace_totals.list, strace_totals.count, sizeof *strace_totals.list,
              strace_compare_totals);
    if (settings->json)
        fputs("{\"totals\":[", stdout);
    else
        printf("%10s %12s %7s  %-8s  %-14s %s\n", "calls", "bytes", "errors", "call", "for",
               "site");
    for (size_t i = 0; i < shown; i++) {
        if (settings->json && i != 0) putchar(',');
        (settings->json ? strace_print_json_total : strace_print_total)(strace,
                                                                        &strace_totals.list[i]);
    }
    if (settings->json)
        printf("],\"count\":%" PRIu64 ",\"events\":%" PRIu64 "}\n", strace->count,
               mallow_trace_events(strace->trace));
    else if (shown < strace_totals.count)
        printf("%zu more; --top=0 prints all\n", strace_totals.count - shown);
    free(strace_totals.list);
    index_map_clear(&strace_totals.numbers);
}
