/* mallow advise: rules for memory in pages. */
#include "advise/advise_costs.h"
#include "advise/advise_rules.h"
#include "common/command.h"
#include "proc/amount.h"

bool advise_secret(const struct advise *advise, const struct advise_site *site,
                   struct advice *advice) {
    (void)advise;
    if (site->hidden == 0) return false;
    advice_figure(advice, "calls", site->hidden);
    advice_because(advice,
                   "The program keeps the pages of these blocks out of core files or of children "
                   "(%" PRIu64
                   " call%s of madvise). Other blocks share the pages, and copies of "
                   "the content can stay in freed memory and in swap space.",
                   site->hidden, plural(site->hidden));
    advice_do(advice, "Allocate them as secret memory: mallow-secret(3).");
    return true;
}

bool advise_mapping(const struct advise *advise, const struct advise_site *site,
                    struct advice *advice) {
    (void)advise;
    uint64_t calls = site->protected + site->advised;
    if (calls == 0) return false;
    advice_figure(advice, "mprotect", site->protected);
    advice_figure(advice, "madvise", site->advised);
    advice_because(advice,
                   "The program changes whole pages of these blocks (%" PRIu64
                   " call%s of "
                   "mprotect and %" PRIu64 " of madvise), which belong to the allocator.",
                   site->protected, plural(site->protected), site->advised);
    advice_do(advice, "Map them: mallow_map_memory() in mallow-map(3), or mmap(2).");
    return true;
}

/* ---- containers that grow by a factor ---- */

#define RESERVATION_MIN ((uint64_t)1 << 20)
#define RESERVATION_CHAINS_MAX 8u /* each takes addresses and two system calls */
#define FACTOR_MIN 1.15

/* Returns true if a step multiplies the size by that on average. */
static bool advise_grows_by_factor(const struct advise_growth *growth) {
    double factor = 1;
    for (uint64_t i = 0; i < growth->steps / growth->chains && factor < 1e18; i++)
        factor *= FACTOR_MIN;
    return (double)growth->last >= (double)growth->first * factor;
}

bool advise_reservation(const struct advise *advise, const struct advise_site *site,
                        struct advice *advice) {
    const struct advise_growth *growth = &site->growth;
    (void)advise;
    if (growth->chains == 0 || growth->chains > RESERVATION_CHAINS_MAX ||
        growth->largest < RESERVATION_MIN || growth->overlap < growth->largest / 4 ||
        !advise_grows_by_factor(growth))
        return false;
    advice->nanoseconds = advise_cost_copy((double)growth->copied);
    advice->bytes = (double)growth->overlap;
    advice_figure(advice, "containers", growth->chains);
    advice_figure(advice, "steps", growth->steps);
    advice_figure(advice, "copied_bytes", growth->copied);
    advice_figure(advice, "largest_bytes", growth->largest);
    advice_because(advice,
                   "%" PRIu64 " container%s grew in %" PRIu64
                   " steps to up to %s, and %s were "
                   "copied. During the last copy, the old block took %s in addition.",
                   growth->chains, plural(growth->chains), growth->steps,
                   amount_of(growth->largest).text, amount_of(growth->copied).text,
                   amount_of(growth->overlap).text);
    advice_do(advice,
              "Reserve the addresses of the largest size once, with mallow_map_memory() in "
              "mallow-map(3): only pages that are used take memory, and nothing moves. If the "
              "final size is known, reserve that.");
    return true;
}

/* ---- large blocks that stay ---- */

#define HUGE_SIZE_MIN ((uint64_t)4 << 20)

bool advise_huge_pages(const struct advise *advise, const struct advise_site *site,
                       struct advice *advice) {
    const struct advise_large *large = &site->large;
    if (large->blocks == 0 || large->has_huge_pages || !advise->has_residency ||
        site->sizes.min < HUGE_SIZE_MIN || large->longest < advise->duration / 4 ||
        large->touched < large->bytes / 2)
        return false;
    double touched = (double)large->touched;
    advice->nanoseconds = advise_cost_touch(touched) - advise_cost_touch_huge(touched);
    advice_figure(advice, "blocks", large->blocks);
    advice_figure(advice, "bytes", large->bytes);
    advice_figure(advice, "resident_bytes", large->touched);
    advice_figure(advice, "longest_ns", large->longest);
    advice_because(advice,
                   "%" PRIu64
                   " block%s of %s in all, of which %s became resident, lived for up to "
                   "%.1f s. The first touch of each page of 4 KiB is a page fault.",
                   large->blocks, plural(large->blocks), amount_of(large->bytes).text,
                   amount_of(large->touched).text, (double)large->longest / 1e9);
    advice_do(advice,
              "Map them, and request huge pages: mallow_map_memory() and mallow_map_advise() with "
              "MALLOW_MAP_HUGE_PAGES in mallow-map(3).");
    return true;
}
