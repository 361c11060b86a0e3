/*
 * The rules by which mallow explain judges a process, with their thresholds. The functions are in
 * explain_growth.c and explain_shares.c.
 */
#include "explain/explain_rules.h"

#define MIB ((uint64_t)1 << 20)

/* Rules of the first kind come first if they apply, in this order. Those of the second kind are
 * sorted by the bytes that they concern. The last rule applies if no other does. */
enum verdict_kind { KIND_URGENT, KIND_SHARE, KIND_ELSE };

struct verdict_rule {
    const char *name;
    enum verdict_kind kind;
    verdict_value *value; /* for KIND_SHARE: the rule is tested only if this value is at least */
    unsigned percent;     /* this part of the resident memory, */
    uint64_t minimum;     /* and this many bytes */
    verdict_test *test;
};

static uint64_t verdict_shared(const struct explain_look *look) { return look->parts[PART_SHARED]; }
static uint64_t verdict_stacks(const struct explain_look *look) { return look->parts[PART_STACKS]; }
static uint64_t verdict_trimmable(const struct explain_look *look) {
    return look->parts[PART_TRIMMABLE];
}
static uint64_t verdict_pinned(const struct explain_look *look) { return look->parts[PART_PINNED]; }
static uint64_t verdict_files(const struct explain_look *look) { return look->parts[PART_FILES]; }
static uint64_t verdict_surplus(const struct explain_look *look) {
    return look->parts[PART_SURPLUS];
}
static uint64_t verdict_held(const struct explain_look *look) { return look->parts[PART_HELD]; }
static uint64_t verdict_swapped(const struct explain_look *look) { return look->swapped; }

static const struct verdict_rule verdict_rules[] = {
    {"leak", KIND_URGENT, NULL, 0, 0, verdict_test_leak},
    {"growth", KIND_URGENT, NULL, 0, 0, verdict_test_growth},
    {"copy_on_write", KIND_URGENT, NULL, 0, 0, verdict_test_copies},
    /* A quarter of the limit: ordinary programs have a few hundred mappings. */
    {"small_mappings", KIND_URGENT, NULL, 0, 0, verdict_test_mappings},
    /* Mallow keeps an eighth of the used memory, at least 4 MiB, for the next allocations. */
    {"retention", KIND_SHARE, verdict_trimmable, 25, 8 * MIB, verdict_test_trimmable},
    /* Steady programs have 5 to 15 % of free slots among the used ones. */
    {"fragmentation", KIND_SHARE, verdict_pinned, 25, 4 * MIB, verdict_test_pinned},
    /* A thread seldom uses more than some tens of KiB of its stack. */
    {"thread_stacks", KIND_SHARE, verdict_stacks, 25, 8 * MIB, verdict_test_stacks},
    /* Mapped files cost nothing while memory is left, so only a large part is worth a sentence. */
    {"file_cache", KIND_SHARE, verdict_files, 40, 16 * MIB, verdict_test_files},
    {"shared_memory", KIND_SHARE, verdict_shared, 40, 16 * MIB, verdict_test_shared},
    /* A heap that ends in the middle of a huge page has up to 2 MiB of surplus. */
    {"huge_page_surplus", KIND_SHARE, verdict_surplus, 25, 8 * MIB, verdict_test_surplus},
    {"quarantine", KIND_SHARE, verdict_held, 25, 8 * MIB, verdict_test_held},
    {"swapped", KIND_SHARE, verdict_swapped, 25, 16 * MIB, verdict_test_swapped},
    {"healthy", KIND_ELSE, NULL, 0, 0, verdict_test_healthy},
};
#define RULES (sizeof verdict_rules / sizeof verdict_rules[0])

static bool verdict_applies(const struct explanation *explanation, const struct verdict_rule *rule,
                            size_t found) {
    const struct explain_look *last = explain_last(explanation);
    if (rule->kind == KIND_ELSE) return found == 0;
    if (rule->kind == KIND_URGENT) return true;
    uint64_t bytes = rule->value(last);
    return bytes >= rule->minimum && bytes * 100 >= last->resident * rule->percent;
}

size_t explain_judge(const struct explanation *explanation, struct verdict verdicts[VERDICTS]) {
    uint64_t weights[VERDICTS];
    size_t count = 0, urgent = 0;
    for (size_t i = 0; i < RULES && count < VERDICTS; i++) {
        struct verdict verdict = {.name = verdict_rules[i].name};
        if (!verdict_applies(explanation, &verdict_rules[i], count)) continue;
        uint64_t weight = verdict_rules[i].test(explanation, &verdict);
        if (weight == 0) continue;
        size_t at = count++;
        if (verdict_rules[i].kind == KIND_URGENT) urgent++;
        for (; at > urgent && weights[at - 1] < weight; at--) {
            verdicts[at] = verdicts[at - 1];
            weights[at] = weights[at - 1];
        }
        verdicts[at] = verdict;
        weights[at] = weight;
    }
    return count;
}
