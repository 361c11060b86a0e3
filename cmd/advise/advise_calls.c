/* mallow advise: rules for how a size is computed, and how it changes. */
#include <math.h>

#include "advise/advise_costs.h"
#include "advise/advise_rules.h"
#include "common/command.h"
#include "proc/amount.h"

/* ---- growth ---- */

#define GROWTH_STEPS_MIN 16u
#define GROWTH_FACTOR_MAX 1.15

/* The steps that remain if the size doubles. */
static double advise_doublings(const struct advise_growth *growth) {
    double ratio = (double)growth->last / (double)(growth->first == 0 ? 1 : growth->first);
    return (double)growth->chains * (log2(ratio) + 1);
}

bool advise_growth_factor(const struct advise *advise, const struct advise_site *site,
                          struct advice *advice) {
    const struct advise_growth *growth = &site->growth;
    if (growth->chains == 0 || growth->steps < growth->chains * GROWTH_STEPS_MIN ||
        growth->last <= growth->first)
        return false;
    double steps = (double)growth->steps / (double)growth->chains;
    double factor = pow((double)growth->last / (double)(growth->first + 1), 1 / steps);
    if (factor > GROWTH_FACTOR_MAX) return false;
    double less = (double)growth->steps - advise_doublings(growth);
    double copied = (double)growth->copied - (double)growth->last;
    advice->nanoseconds = less * advise_cost_resize(advise, advise_mean_size(site)) +
                          (copied > 0 ? advise_cost_copy(copied) : 0);
    advice_figure(advice, "grown_blocks", growth->chains);
    advice_figure(advice, "steps", growth->steps);
    advice_figure(advice, "even_steps", growth->even_steps);
    advice_figure(advice, "copied_bytes", growth->copied);
    advice_figure(advice, "largest_bytes", growth->largest);
    advice_because(advice,
                   "%" PRIu64 " block%s grew in %" PRIu64
                   " steps, by %.2g %% on average and up to "
                   "%s; %" PRIu64 " steps added as many bytes as the one before. %s were copied.",
                   growth->chains, plural(growth->chains), growth->steps, (factor - 1) * 100,
                   amount_of(growth->largest).text, growth->even_steps,
                   amount_of(growth->copied).text);
    advice_do(advice, "Grow to twice the size each time; at the end, shrink the block once.");
    return true;
}

/* ---- alignment ---- */

#define ALIGN_MIN 32u
#define ALIGN_MAX 4096u
#define HEADER 8u           /* bytes that keep the address that malloc has returned */
#define ALIGN_SIZES_MIN 8u  /* different sizes that rule out chance */
#define ALIGN_CONTENT 1024u /* or one size: a multiple of that, and the rest */

/* Returns the alignment of which all sizes are a multiple, less 1 byte; 1: none. */
static uint64_t advise_align_of(uint64_t ones) {
    uint64_t align = ~ones & (ones + 1);
    return align > ALIGN_MAX || align < ALIGN_MIN ? 1 : align;
}

/* Returns the alignment for which the program requests more than it uses, or 1. */
static uint64_t advise_slack(const struct advise_site *site, uint64_t *extra) {
    const struct advise_sizes *sizes = &site->sizes;
    bool has_many = sizes->different >= ALIGN_SIZES_MIN;
    for (unsigned header = 0; header <= HEADER; header += HEADER) {
        uint64_t align = advise_align_of(header == 0 ? sizes->ones : sizes->ones_with_header);
        uint64_t content = sizes->max - (align - 1) - header;
        *extra = align - 1 + header;
        if (align == 1 || sizes->max <= *extra) continue;
        bool is_round = content % ALIGN_CONTENT == 0 && (sizes->max + 1 - header) % content != 0;
        if (has_many || (sizes->different == 1 && is_round)) return align;
    }
    return 1;
}

bool advise_aligned(const struct advise *advise, const struct advise_site *site,
                    struct advice *advice) {
    uint64_t extra, align = advise_slack(site, &extra);
    (void)advise;
    if (align == 1 || site->align_max > 1 || site->sizes.min <= extra || site->resized != 0)
        return false;
    advice->bytes = (double)(site->peak_blocks * extra);
    advice_figure(advice, "blocks", site->blocks);
    advice_figure(advice, "alignment", align);
    advice_figure(advice, "extra_bytes", extra);
    advice_figure(advice, "peak_blocks", site->peak_blocks);
    advice_because(advice,
                   "The sizes of all %" PRIu64
                   " blocks (%u different ones) are a multiple of "
                   "%" PRIu64 " and %" PRIu64
                   " bytes: as much as it takes to align a block to "
                   "%" PRIu64 " bytes by hand%s.",
                   site->blocks, site->sizes.different, align, extra, align,
                   extra >= align ? ", and to keep its address" : "");
    advice_do(advice, "Use aligned_alloc(%" PRIu64 ", size) or posix_memalign().", align);
    return true;
}
