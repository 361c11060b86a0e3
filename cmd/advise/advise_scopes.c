/* mallow advise: rules for blocks that end with a function, or together. */
#include <stdlib.h>

#include "advise/advise_costs.h"
#include "advise/advise_rules.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "proc/amount.h"

#define BLOCKS_MIN 1000u              /* fewer are not worth a change */
#define STACK_MAX 4096u               /* bytes of a local variable */
#define SCRATCH_MAX 16384u            /* a larger block of scratch memory is a mapping */
#define SCRATCH_CALL_MAX (256u << 10) /* bytes at the same time */
#define ARENA_SIZE_MAX 4096u          /* mean bytes of a block */
#define ARENA_PERCENT 95u
#define ARENA_PHASES_MIN 3u /* once can be the end of the program */

/* Returns true if each block was freed in the call that allocated it. Blocks that a thread has when
 * the trace ends do not count. If blocks outlived their calls, the next calls would have them, and
 * there would be few moments without a block. */
static bool advise_ends_with_function(const struct advise_site *site) {
    return site->freed_in_function >= BLOCKS_MIN && site->freed_elsewhere == 0 &&
           site->resized == 0 && site->lost <= site->threads &&
           site->calls * site->call_peak_blocks * 2 >= site->blocks;
}

static bool advise_is_one_size(const struct advise_site *site) {
    return site->sizes.min == site->sizes.max;
}

/* Returns true if a call of the function has one block at a time. */
static bool advise_is_one_block(const struct advise_site *site) {
    return site->call_peak_blocks == 1;
}

/* Returns true if operator new allocates the blocks. */
static bool advise_is_cxx(const struct advise_site *site) {
    return site->kind == MALLOW_TRACE_NEW || site->kind == MALLOW_TRACE_NEW_ARRAY;
}

static double advise_mean_life(const struct advise_site *site) {
    return (double)site->lifetimes / (double)site->blocks;
}

static void advise_scope_evidence(const struct advise_site *site, struct advice *advice) {
    double life = advise_mean_life(site);
    char *sizes = advise_is_one_size(site) ? xasprintf("%" PRIu64 " bytes", site->sizes.max)
                                           : xasprintf("%" PRIu64 " to %" PRIu64 " bytes",
                                                       site->sizes.min, site->sizes.max);
    advice_because(advice,
                   "All %" PRIu64
                   " blocks of %s were freed by the thread and in the call of the "
                   "function that allocated them, after %.*f %s on average. A call had at "
                   "most %s at the same time.",
                   site->freed_in_function, sizes, life < 1e5 ? 1 : 0,
                   life < 1e6 ? life / 1e3 : life / 1e6, life < 1e6 ? "\302\265s" : "ms",
                   amount_of(site->call_peak_bytes).text);
    free(sizes);
    advice_figure(advice, "blocks", site->blocks);
    advice_figure(advice, "freed_in_function", site->freed_in_function);
    advice_figure(advice, "size_min", site->sizes.min);
    advice_figure(advice, "size_max", site->sizes.max);
    advice_figure(advice, "lifetime_mean_ns", (uint64_t)life);
    advice_figure(advice, "call_peak_bytes", site->call_peak_bytes);
}

bool advise_stack(const struct advise *advise, const struct advise_site *site,
                  struct advice *advice) {
    if (!advise_ends_with_function(site) || !advise_is_one_size(site) ||
        !advise_is_one_block(site) || site->sizes.max > STACK_MAX)
        return false;
    advice->nanoseconds = (double)site->blocks * advise_cost_pair(advise, advise_mean_size(site));
    advise_scope_evidence(site, advice);
    advice_do(advice, "Use a local variable of %" PRIu64 " bytes.", site->sizes.max);
    return true;
}

bool advise_scratch(const struct advise *advise, const struct advise_site *site,
                    struct advice *advice) {
    if (!advise_ends_with_function(site) || site->sizes.max > SCRATCH_MAX ||
        site->call_peak_bytes > SCRATCH_CALL_MAX)
        return false;
    double size = advise_mean_size(site);
    double cost = advise_is_one_block(site) ? advise_cost_pair(advise, size)
                                            : advise_cost_batch(advise, size);
    advice->nanoseconds = (double)site->blocks * (cost - advise_cost_scratch(size));
    advise_scope_evidence(site, advice);
    bool can_be_local = site->sizes.max <= STACK_MAX && advise_is_one_block(site);
    advice_do(
        advice, "Use scratch memory in this function, MALLOW_SCRATCH in mallow-scratch(3)%s%s.",
        can_be_local ? "; or a local array, if the size has a bound that the program checks" : "",
        advise_is_cxx(site) ? "; or std::pmr::monotonic_buffer_resource with a local array" : "");
    return true;
}

bool advise_static(const struct advise *advise, const struct advise_site *site,
                   struct advice *advice) {
    if (!advise_ends_with_function(site) || !advise_is_one_size(site) ||
        site->peak_blocks > site->threads)
        return false;
    advice->nanoseconds = (double)site->blocks * advise_cost_pair(advise, advise_mean_size(site));
    advise_scope_evidence(site, advice);
    advice_do(advice,
              "Keep one block%s for all calls: static storage, or a block that is allocated before "
              "the first call.",
              site->threads > 1 ? " for each thread (_Thread_local)" : "");
    return true;
}

/* ---- phases ---- */

static bool advise_ends_in_phases(const struct advise_site *site) {
    return site->freed_in_phases * 100 >= site->blocks * ARENA_PERCENT &&
           site->freed_by_another_thread == 0 && site->resized * 100 <= site->blocks &&
           advise_mean_size(site) <= ARENA_SIZE_MAX && site->phases >= ARENA_PHASES_MIN &&
           site->freed_in_phases > site->phases * 2;
}

static double advise_arena_gain(const struct advise *advise, const struct advise_site *site) {
    double size = advise_mean_size(site);
    return (double)site->blocks * (advise_cost_batch(advise, size) - advise_cost_arena(size));
}

static void advise_arena_evidence(const struct advise *advise, const struct advise_site *site,
                                  struct advice *advice) {
    uint64_t blocks = site->blocks, freed = site->freed_in_phases;
    for (size_t i = 0; i < advice->other_count; i++) {
        blocks += advise->sites[advice->others[i]].blocks;
        freed += advise->sites[advice->others[i]].freed_in_phases;
    }
    char *others = advice->other_count == 0
                       ? xstrdup("")
                       : xasprintf(" of this and %zu other call site%s", advice->other_count,
                                   plural(advice->other_count));
    advice_because(advice,
                   "%" PRIu64 " of %" PRIu64
                   " blocks%s were freed together, one after the other "
                   "and with nothing allocated in between, by the thread that allocated them: "
                   "%" PRIu64 " time%s, about %" PRIu64 " blocks each time.",
                   freed, blocks, others, site->phases, plural(site->phases), freed / site->phases);
    free(others);
    advice_figure(advice, "blocks", blocks);
    advice_figure(advice, "freed_together", freed);
    advice_figure(advice, "times", site->phases);
    advice_figure(advice, "sites", advice->other_count + 1);
}

/* Advice for sites whose blocks end together is given once, for the one with the most blocks. */
bool advise_arena(const struct advise *advise, const struct advise_site *site,
                  struct advice *advice) {
    uint32_t index = (uint32_t)(site - advise->sites), leader = site->phase_leader;
    if (!advise_ends_in_phases(site)) return false;
    uint64_t blocks = site->blocks;
    advice->nanoseconds = advise_arena_gain(advise, site);
    for (uint32_t i = 0; i < advise->site_count; i++) {
        const struct advise_site *other = &advise->sites[i];
        if (i == index || other->phase_leader != leader || !advise_ends_in_phases(other)) continue;
        if (other->blocks > site->blocks || (other->blocks == site->blocks && i < index)) {
            free(advice->others);
            return false;
        }
        advice->others = xgrow(advice->others, advice->other_count, sizeof *advice->others);
        advice->others[advice->other_count++] = i;
        advice->nanoseconds += advise_arena_gain(advise, other);
        blocks += other->blocks;
    }
    if (blocks < BLOCKS_MIN) {
        free(advice->others);
        return false;
    }
    advise_arena_evidence(advise, site, advice);
    advice_do(advice, "Use an arena, and free all blocks with one call: mallow-arena(3)%s.",
              advise_is_cxx(site) ? "; or std::pmr::monotonic_buffer_resource" : "");
    return true;
}
