/* The rules of mallow explain for what changes between the looks: leaks, growth, and memory that is
 * copied after a fork. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/command.h"
#include "explain/explain_rules.h"

#define MIB ((uint64_t)1 << 20)

/* ---- what grows ---- */

static uint64_t growth_live(const struct explain_look *look) { return look->live_bytes; }
static uint64_t growth_own(const struct explain_look *look) { return look->parts[PART_OWN]; }
static uint64_t growth_heap(const struct explain_look *look) { return look->parts[PART_HEAP]; }
static uint64_t growth_private(const struct explain_look *look) {
    return look->parts[PART_ANONYMOUS] + look->swapped;
}
static uint64_t growth_shared(const struct explain_look *look) { return look->parts[PART_SHARED]; }
static uint64_t growth_stacks(const struct explain_look *look) { return look->parts[PART_STACKS]; }

/* A look sees what the program does at that moment. Growth lasts: every value of the second half is
 * above every value of the first half, which ups and downs seldom achieve. At least 64 KiB, and one
 * thousandth of the memory, because less can be a buffer that is filled once. */
#define GROWTH_MINIMUM ((uint64_t)64 << 10)
#define GROWTH_PART 1000
/* Four times as much for figures of resident memory, which also grow when free memory is divided
 * among more pages. */
#define RESIDENT_SCALE 4

static bool growth_lasts(const struct explanation *explanation, verdict_value *value) {
    size_t count = explanation->count, half = count / 2;
    uint64_t highest = 0, lowest = UINT64_MAX, middle = value(&explanation->looks[half]);
    for (size_t i = 0; i < half; i++) {
        uint64_t before = value(&explanation->looks[i]);
        uint64_t after = value(&explanation->looks[count - 1 - i]);
        if (before > highest) highest = before;
        if (after < lowest) lowest = after;
    }
    if (count % 2 == 0) return lowest > highest;
    /* A single step, for example of a table that doubles, is no growth that lasts. */
    return lowest > highest && middle > value(&explanation->looks[0]) &&
           middle < value(explain_last(explanation));
}

/* Returns the growth from the first look to the last, or 0 if the value does not grow. */
static uint64_t growth_of(const struct explanation *explanation, verdict_value *value) {
    unsigned scale = value == growth_live ? 1 : RESIDENT_SCALE;
    uint64_t first = value(&explanation->looks[0]), last = value(explain_last(explanation));
    uint64_t least = explain_last(explanation)->resident / GROWTH_PART;
    if (least < GROWTH_MINIMUM) least = GROWTH_MINIMUM;
    bool is_enough = last > first && last - first >= least * scale;
    return is_enough && growth_lasts(explanation, value) ? last - first : 0;
}

/* The figures that can grow, and their names in the sentence. */
static const struct growth_kind {
    verdict_value *value;
    const char *subject; /* of the sentence; the verb is "grows" */
} growth_kinds[] = {
    {growth_live, "Live memory"},
    {growth_own, "Memory that the program maps itself, not through malloc,"},
    {growth_heap, "The heap at the program break"},
    {growth_private, "Private memory"},
    {growth_shared, "Shared memory"},
    {growth_stacks, "The memory of thread stacks"},
};
#define GROWTH_KINDS (sizeof growth_kinds / sizeof growth_kinds[0])

/* Returns what grows most, or NULL. */
static const struct growth_kind *growth_find_growing(const struct explanation *explanation,
                                                     uint64_t *bytes) {
    const struct growth_kind *found = NULL;
    *bytes = 0;
    for (size_t i = 0; i < GROWTH_KINDS; i++) {
        uint64_t growth = growth_of(explanation, growth_kinds[i].value);
        if (growth <= *bytes) continue;
        *bytes = growth;
        found = &growth_kinds[i];
    }
    return found;
}

bool explain_is_growing(const struct explanation *explanation) {
    return growth_of(explanation, growth_live) != 0;
}

/* Interpreters with a heap of their own: what shows their objects. */
static const struct growth_runtime {
    const char *prefix; /* of the program's file */
    const char *name;
    const char *advice_mapped; /* if memory grows that they map themselves */
    const char *advice_live;   /* if live memory grows; or NULL */
} growth_runtimes[] = {
    {"python", "Python",
     "Its objects lie in arenas of their own: PYTHONMALLOC=malloc makes them visible to Mallow, and "
     "Python's tracemalloc names the lines that create them",
     "Python's tracemalloc names the lines that create its objects"},
    {"node", "Node.js",
     "JavaScript objects lie in V8's own heap: 'node --inspect' or --heapsnapshot-signal shows "
     "them",
     NULL},
    {"java", "Java",
     "Java objects lie in the JVM's own heap: 'jcmd PID GC.class_histogram' shows them", NULL},
    {"ruby", "Ruby", "Its objects lie in Ruby's own heap: ObjectSpace shows them", NULL},
    {"php", "PHP", "USE_ZEND_ALLOC=0 makes its objects visible to Mallow", NULL},
};

static const struct growth_runtime *growth_runtime(const struct explanation *explanation) {
    for (size_t i = 0; i < sizeof growth_runtimes / sizeof growth_runtimes[0]; i++)
        if (strncmp(explanation->executable, growth_runtimes[i].prefix,
                    strlen(growth_runtimes[i].prefix)) == 0)
            return &growth_runtimes[i];
    return NULL;
}

static void growth_add_growing_sites(struct verdict *verdict,
                                     const struct explanation *explanation) {
    double all = 0;
    for (size_t i = 0; i < explanation->growing_count; i++) all += explanation->growing[i].bytes;
    if (explanation->growing_count == 0) {
        if (explanation->lost.site != NULL)
            verdict_add(verdict, " Most was allocated by %s.", explanation->lost.site);
        return;
    }
    verdict_add(verdict, " It grows in ");
    verdict_add_site(verdict, explanation, &explanation->growing[0]);
    if (explanation->growing_count > 1 && explanation->growing[1].bytes > all / 4) {
        verdict_add(verdict, ", and in ");
        verdict_add_site(verdict, explanation, &explanation->growing[1]);
    }
    verdict_add(verdict, ".");
}

static void growth_add_rate(struct verdict *verdict, const struct explanation *explanation,
                            const struct growth_kind *growing, uint64_t bytes) {
    verdict_add(verdict, "%s grows by %s", growing->subject,
                verdict_rate(explanation, (double)bytes).text);
}

/* Half of the growth, because blocks are lost some time after their allocation. */
static bool growth_is_lost(const struct explanation *explanation, uint64_t growth) {
    return explanation->lost.is_known && explanation->lost.bytes >= growth / 2;
}

uint64_t verdict_test_leak(const struct explanation *explanation, struct verdict *verdict) {
    uint64_t growth;
    const struct growth_kind *growing = growth_find_growing(explanation, &growth);
    if (growing == NULL || growing->value != growth_live || !growth_is_lost(explanation, growth))
        return 0;
    growth_add_rate(verdict, explanation, growing, growth);
    verdict_add(verdict, ", and no pointer leads to %s of it in %" PRIu64 " block%s.",
                amount_of(explanation->lost.bytes).text, explanation->lost.blocks,
                plural(explanation->lost.blocks));
    growth_add_growing_sites(verdict, explanation);
    return growth;
}

uint64_t verdict_test_growth(const struct explanation *explanation, struct verdict *verdict) {
    uint64_t growth;
    const struct growth_kind *growing = growth_find_growing(explanation, &growth);
    if (growing == NULL || (growing->value == growth_live && growth_is_lost(explanation, growth)))
        return 0;
    const struct growth_runtime *runtime = growth_runtime(explanation);
    growth_add_rate(verdict, explanation, growing, growth);
    if (runtime != NULL) verdict_add(verdict, " in this %s program", runtime->name);
    if (growing->value == growth_live && explanation->lost.is_known)
        verdict_add(verdict,
                    ", and pointers lead to it: it is a cache or queue that grows, or "
                    "memory that is no longer needed but still referenced");
    verdict_add(verdict, ".");
    if (growing->value == growth_live) growth_add_growing_sites(verdict, explanation);
    const char *advice = runtime == NULL                 ? NULL
                         : growing->value == growth_live ? runtime->advice_live
                                                         : runtime->advice_mapped;
    if (advice != NULL) verdict_add(verdict, " %s.", advice);
    return growth;
}

/* ---- copy-on-write ---- */

/* At least half of the memory that is no longer shared must have become private: otherwise the
 * other process has ended, or the memory was freed. */
uint64_t verdict_test_copies(const struct explanation *explanation, struct verdict *verdict) {
    const struct explain_look *first = &explanation->looks[0], *last = explain_last(explanation);
    if (explanation->relative == 0 || first->shared_dirty <= last->shared_dirty ||
        last->private_dirty <= first->private_dirty)
        return 0;
    uint64_t copied = first->shared_dirty - last->shared_dirty;
    if (copied < MIB || (last->private_dirty - first->private_dirty) * 2 < copied) return 0;
    verdict_add(verdict,
                "Copy-on-write after fork: %s of the memory that it shares with process %d becomes "
                "private, because one of the two writes to it; %s is still shared. The two need "
                "more memory together, although neither allocates any.",
                verdict_rate(explanation, (double)copied).text, (int)explanation->relative,
                amount_of(last->shared_dirty).text);
    return copied;
}
