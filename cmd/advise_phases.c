/* mallow advise: finds blocks that end together. */
#include "advise_pass.h"
#include "xalloc.h"

#define PHASE_BLOCKS_MIN 8u
/* A phase of a site leaves at most one block of the site in so many. */
#define PHASE_REST 16u

/* Blocks of other threads do not count: an arena belongs to one thread. */
void advise_phase_add(struct advise_pass *pass, const struct mallow_trace_block *block,
                      uint32_t thread_number) {
    struct advise_thread *thread = &pass->threads[thread_number];
    uint32_t index = advise_block_owner(block);
    if (block->thread != thread_number) return;
    thread->freed_blocks++;
    if (pass->owners[index].in_phase++ != 0) return;
    thread->freed = xgrow(thread->freed, thread->freed_owners, sizeof *thread->freed);
    thread->freed[thread->freed_owners++] = index;
}

static uint32_t advise_phase_leader(const struct advise *advise, uint32_t site) {
    while (advise->sites[site].phase_leader != site) site = advise->sites[site].phase_leader;
    return site;
}

/* Notes that blocks of both sites end together. */
static void advise_phase_join(struct advise *advise, uint32_t one, uint32_t other) {
    uint32_t leader = advise_phase_leader(advise, one), old = advise_phase_leader(advise, other);
    advise->sites[old > leader ? old : leader].phase_leader = old > leader ? leader : old;
}

static bool advise_phase_is_complete(const struct advise_owner *owner) {
    return owner->live_blocks <= owner->in_phase / PHASE_REST;
}

void advise_phase_end(struct advise_pass *pass, struct advise_thread *thread) {
    pass->phases++;
    bool has_first = false;
    uint32_t first = 0;
    for (size_t i = 0; i < thread->freed_owners; i++) {
        struct advise_owner *owner = &pass->owners[thread->freed[i]];
        struct advise_site *site = &pass->advise->sites[owner->site];
        if (thread->freed_blocks >= PHASE_BLOCKS_MIN && advise_phase_is_complete(owner)) {
            site->freed_in_phases += owner->in_phase;
            if (site->last_phase != pass->phases) site->phases++;
            site->last_phase = pass->phases;
            if (has_first) advise_phase_join(pass->advise, first, owner->site);
            first = owner->site;
            has_first = true;
        }
        owner->in_phase = 0;
    }
    thread->freed_owners = thread->freed_blocks = 0;
}
