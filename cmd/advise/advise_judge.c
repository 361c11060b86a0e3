/* mallow advise: applies the rules. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "advise/advise_costs.h"
#include "advise/advise_rules.h"
#include "common/xalloc.h"
#include "symbols/function_names.h"

#define GAIN_MIN 100000 /* nanoseconds */

const char *const advise_way_names[ADVISE_WAYS] = {
    [ADVISE_LEAVE] = "leave",
    [ADVISE_SECRET] = "secret",
    [ADVISE_MAPPING] = "mapping",
    [ADVISE_HUGE_PAGES] = "huge pages",
    [ADVISE_RESERVATION] = "reservation",
    [ADVISE_STACK] = "stack",
    [ADVISE_STATIC] = "static",
    [ADVISE_SCRATCH] = "scratch",
    [ADVISE_ARENA] = "arena",
    [ADVISE_GROWTH] = "growth factor",
    [ADVISE_REALLOCARRAY] = "reallocarray",
    [ADVISE_ALIGNED] = "aligned",
    [ADVISE_CALLOC] = "calloc",
};

/* In the order of the questions of docs/choosing.md: the first rule that applies counts. */
static const struct {
    enum advise_way way;
    advise_rule *rule;
    bool is_for_safety; /* worth a change even if nothing is gained */
} advise_rules[] = {
    {ADVISE_SECRET, advise_secret, true},
    {ADVISE_SECRET, advise_wiped, true},
    {ADVISE_MAPPING, advise_mapping, true},
    {ADVISE_RESERVATION, advise_reservation, false},
    {ADVISE_HUGE_PAGES, advise_huge_pages, false},
    {ADVISE_STACK, advise_stack, false},
    {ADVISE_SCRATCH, advise_scratch, false},
    {ADVISE_STATIC, advise_static, false},
    {ADVISE_ARENA, advise_arena, false},
    {ADVISE_GROWTH, advise_growth_factor, false},
    {ADVISE_REALLOCARRAY, advise_reallocarray, true},
    {ADVISE_ALIGNED, advise_aligned, false},
    {ADVISE_CALLOC, advise_calloc, true},
};

/* ---- texts ---- */

static char *advice_text(const char *format, va_list arguments) {
    char *text;
    return xnonnull(vasprintf(&text, format, arguments) < 0 ? NULL : text);
}

void advice_do(struct advice *advice, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    advice->what = advice_text(format, arguments);
    va_end(arguments);
}

void advice_because(struct advice *advice, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    advice->evidence = advice_text(format, arguments);
    va_end(arguments);
}

void advice_figure(struct advice *advice, const char *name, uint64_t value) {
    if (advice->figure_count == ADVISE_FIGURES_MAX) return;
    advice->figures[advice->figure_count++] = (struct advise_figure){name, value};
}

/* ---- gains ---- */

/* Returns the gain as a time: memory that is not needed need not be touched. */
static double advice_worth(const struct advice *advice) {
    return advice->nanoseconds + advise_cost_touch(advice->bytes);
}

/* Returns what all blocks cost. */
static double advise_total_cost(const struct advise *advise) {
    double total = 0;
    for (size_t i = 0; i < advise->site_count; i++) {
        const struct advise_site *site = &advise->sites[i];
        total += (double)site->blocks * advise_cost_pair(advise, advise_mean_size(site));
    }
    return total;
}

/* A change is worth its trouble from a thousandth of the time, a fiftieth of what allocation costs,
 * or a MiB on. A trace takes longer than the program without it, so its time alone says little. */
static bool advice_is_worth_it(const struct advise *advise, const struct advice *advice,
                               double total) {
    return advice->nanoseconds >= (double)advise->duration / 1000 ||
           (advice->nanoseconds >= total / 50 && advice->nanoseconds >= GAIN_MIN) ||
           advice->bytes >= 1 << 20;
}

static bool advice_is_first(const struct advice *advice) { return advice->way == ADVISE_SECRET; }

static int advice_compare(const void *left, const void *right) {
    const struct advice *a = left, *b = right;
    if (advice_is_first(a) != advice_is_first(b)) return advice_is_first(a) ? -1 : 1;
    double one = advice_worth(a), other = advice_worth(b);
    if (one != other) return one < other ? 1 : -1;
    return a->site < b->site ? -1 : a->site > b->site;
}

static void advice_clear(struct advice *advice) {
    free(advice->what);
    free(advice->evidence);
    free(advice->others);
}

/* Nobody changes these for one program. */
static bool advise_is_of_system(const struct advise *advise, const struct advise_site *site) {
    static const char *const names[] = {"libc.so.", "libc-", "ld-linux", "libstdc++.", "libmallow"};
    const struct stacks *tree = trace_stacks_tree(advise->stacks);
    const struct stack_frame *frame =
        stacks_headline(tree, trace_stacks_number(advise->stacks, site->stack));
    const char *name = frame == NULL ? "" : texts_get(&tree->texts, frame->module);
    name = file_base_name(name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0) return true;
    return false;
}

void advise_judge(struct advise *advise) {
    double total = advise_total_cost(advise);
    bool *has_advice = xcalloc(advise->site_count + 1, sizeof *has_advice);
    for (size_t rule = 0; rule < sizeof advise_rules / sizeof *advise_rules; rule++) {
        for (size_t i = 0; i < advise->site_count; i++) {
            struct advice advice = {.site = i, .way = advise_rules[rule].way};
            const struct advise_site *site = &advise->sites[i];
            if (has_advice[i] || site->place == 0) continue;
            if (!advise_rules[rule].rule(advise, site, &advice)) continue;
            if ((!advise_rules[rule].is_for_safety &&
                 !advice_is_worth_it(advise, &advice, total)) ||
                advise_is_of_system(advise, site)) {
                advice_clear(&advice);
                continue;
            }
            has_advice[i] = true;
            for (size_t j = 0; j < advice.other_count; j++) has_advice[advice.others[j]] = true;
            advise->list = xgrow(advise->list, advise->count, sizeof *advise->list);
            advise->list[advise->count++] = advice;
        }
    }
    free(has_advice);
    if (advise->count > 1) qsort(advise->list, advise->count, sizeof *advise->list, advice_compare);
}
