/* The rules of mallow explain for the parts of the resident memory. */
#include <inttypes.h>
#include <stddef.h>

#include "common/command.h"
#include "explain/explain_rules.h"

uint64_t verdict_test_mappings(const struct explanation *explanation, struct verdict *verdict) {
    const struct explain_look *last = explain_last(explanation);
    if (explanation->mapping_limit == 0 || last->mappings < explanation->mapping_limit / 4)
        return 0;
    verdict_add(verdict,
                "Too many small mappings: it has %" PRIu64 " of at most %" PRIu64
                " mappings (vm.max_map_count), with %s of resident memory each. At the limit mmap "
                "and malloc fail, although memory is left.",
                last->mappings, explanation->mapping_limit,
                amount_of(last->resident / last->mappings).text);
    return last->resident;
}

uint64_t verdict_test_trimmable(const struct explanation *explanation, struct verdict *verdict) {
    uint64_t bytes = explain_last(explanation)->parts[PART_TRIMMABLE];
    verdict_add(verdict, "Retention after a peak: ");
    verdict_add_share(verdict, explanation, bytes);
    verdict_add(verdict,
                " is free pages; the peak was %s. 'mallow trim %d' returns them. Otherwise they go "
                "back when the program allocates or frees again, or with purge_thread=on.",
                amount_of(explanation->peak).text, (int)explanation->process);
    return bytes;
}

/* Adds the size class with the most pinned memory, and then the next one. */
static void verdict_add_classes(struct verdict *verdict, const struct explanation *explanation) {
    const struct explain_class *first = NULL, *second = NULL;
    for (size_t i = 0; i < explanation->class_count; i++) {
        const struct explain_class *of = &explanation->classes[i];
        if (first == NULL || of->pinned_bytes > first->pinned_bytes)
            second = first, first = of;
        else if (second == NULL || of->pinned_bytes > second->pinned_bytes)
            second = of;
    }
    if (first == NULL) return;
    verdict_add(verdict, " Most lies among blocks of %" PRIu64 " bytes", first->slot_bytes);
    if (second != NULL && second->pinned_bytes > first->pinned_bytes / 2)
        verdict_add(verdict, " and %" PRIu64 " bytes", second->slot_bytes);
    verdict_add(verdict, ", where %.0f %% of the resident memory is in use.",
                100.0 * (double)first->live_bytes /
                    (double)(first->live_bytes + first->pinned_bytes + 1));
}

uint64_t verdict_test_pinned(const struct explanation *explanation, struct verdict *verdict) {
    uint64_t bytes = explain_last(explanation)->parts[PART_PINNED];
    verdict_add(verdict, "Fragmentation: ");
    verdict_add_share(verdict, explanation, bytes);
    verdict_add(verdict, " is free, but lies in pages with live blocks, which pin it.");
    verdict_add_classes(verdict, explanation);
    if (explanation->surviving_count == 0) {
        verdict_add(verdict,
                    " To see which functions have allocated these blocks, start the "
                    "program with 'mallow run --sample'.");
        return bytes;
    }
    verdict_add(verdict, " The blocks that pin it are from ");
    verdict_add_site(verdict, explanation, &explanation->surviving[0]);
    verdict_add(verdict, ".");
    return bytes;
}

uint64_t verdict_test_stacks(const struct explanation *explanation, struct verdict *verdict) {
    const struct explain_look *last = explain_last(explanation);
    uint64_t bytes = last->parts[PART_STACKS], threads = last->threads == 0 ? 1 : last->threads;
    verdict_add(verdict, "Thread stacks: ");
    verdict_add_share(verdict, explanation, bytes);
    verdict_add(verdict,
                " is stacks of %" PRIu64
                " thread%s, %s each. What a thread has once used "
                "of its stack stays resident until the thread ends.",
                threads, plural(threads), amount_of(bytes / threads).text);
    return bytes;
}

static void verdict_add_file(struct verdict *verdict, const struct explain_file *file) {
    if (file->path != NULL)
        verdict_add(verdict, "; the largest is %s with %s", file->path,
                    amount_of(file->bytes).text);
}

uint64_t verdict_test_files(const struct explanation *explanation, struct verdict *verdict) {
    uint64_t bytes = explain_last(explanation)->parts[PART_FILES];
    verdict_add(verdict, "File cache: ");
    verdict_add_share(verdict, explanation, bytes);
    verdict_add(verdict, " is pages of mapped files");
    verdict_add_file(verdict, &explanation->file);
    verdict_add(verdict, ". The kernel takes unchanged ones back when memory is needed.");
    return bytes;
}

uint64_t verdict_test_shared(const struct explanation *explanation, struct verdict *verdict) {
    uint64_t bytes = explain_last(explanation)->parts[PART_SHARED];
    verdict_add(verdict, "Shared memory: ");
    verdict_add_share(verdict, explanation, bytes);
    verdict_add(verdict, " is memory that other processes can map");
    verdict_add_file(verdict, &explanation->shared);
    verdict_add(verdict, ".");
    return bytes;
}

uint64_t verdict_test_surplus(const struct explanation *explanation, struct verdict *verdict) {
    uint64_t bytes = explain_last(explanation)->parts[PART_SURPLUS];
    verdict_add(verdict, "Huge-page surplus: ");
    verdict_add_share(verdict, explanation, bytes);
    verdict_add(verdict,
                " is parts of huge pages that hold only zeros, because the program touches a few "
                "bytes in each. Without huge pages (madvise or prctl PR_SET_THP_DISABLE, or "
                "'never' in /sys/kernel/mm/transparent_hugepage/enabled) it would be free.");
    return bytes;
}

uint64_t verdict_test_held(const struct explanation *explanation, struct verdict *verdict) {
    uint64_t bytes = explain_last(explanation)->parts[PART_HELD];
    verdict_add(verdict, "Quarantine: ");
    verdict_add_share(verdict, explanation, bytes);
    verdict_add(verdict, " is freed blocks whose reuse check=full, hard or seal delays.");
    return bytes;
}

uint64_t verdict_test_swapped(const struct explanation *explanation, struct verdict *verdict) {
    uint64_t bytes = explain_last(explanation)->swapped;
    verdict_add(verdict, "Swap: %s of its memory is not resident, because it was swapped out.",
                amount_of(bytes).text);
    return bytes;
}

uint64_t verdict_test_healthy(const struct explanation *explanation, struct verdict *verdict) {
    const struct explain_look *last = explain_last(explanation);
    uint64_t live = last->parts[PART_LIVE] + last->parts[PART_ROUNDING];
    verdict_add(verdict, "Nothing unusual: ");
    if (!explanation->is_on_mallow) {
        verdict_add(verdict, "its memory does not grow%s.",
                    explanation->is_readable ? ", as far as /proc shows" : "");
        return 1;
    }
    verdict_add_share(verdict, explanation, live);
    verdict_add(verdict, " is live blocks, and it does not grow.");
    return 1;
}
