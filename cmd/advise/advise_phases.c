/* mallow advise: finds blocks that end together. */
#include "advise/advise_pass.h"
#include "common/xalloc.h"

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

/* Counts one phase of the site, in which the leader has the most blocks. */
static void advise_phase_vote(struct advise_site *site, uint32_t leader) {
    if (site->phase_votes == 0) site->phase_leader = leader;
    if (site->phase_leader == leader)
        site->phase_votes++;
    else
        site->phase_votes--;
}

static bool advise_phase_is_complete(const struct advise_owner *owner) {
    return owner->live_blocks <= owner->in_phase / PHASE_REST;
}

/* Returns the site with the most blocks among those whose blocks are all freed. */
static uint32_t advise_phase_leader(const struct advise_pass *pass,
                                    const struct advise_thread *thread) {
    uint32_t leader = 0, most = 0;
    for (size_t i = 0; i < thread->freed_owners; i++) {
        const struct advise_owner *owner = &pass->owners[thread->freed[i]];
        if (!advise_phase_is_complete(owner) || owner->in_phase <= most) continue;
        leader = owner->site;
        most = owner->in_phase;
    }
    return leader;
}

void advise_phase_end(struct advise_pass *pass, struct advise_thread *thread) {
    bool is_phase = thread->freed_blocks >= PHASE_BLOCKS_MIN;
    uint32_t leader = is_phase ? advise_phase_leader(pass, thread) : 0;
    pass->phases++;
    for (size_t i = 0; i < thread->freed_owners; i++) {
        struct advise_owner *owner = &pass->owners[thread->freed[i]];
        struct advise_site *site = &pass->advise->sites[owner->site];
        if (is_phase && advise_phase_is_complete(owner)) {
            site->freed_in_phases += owner->in_phase;
            if (site->last_phase != pass->phases) {
                site->phases++;
                advise_phase_vote(site, leader);
            }
            site->last_phase = pass->phases;
        }
        owner->in_phase = 0;
    }
    thread->freed_owners = thread->freed_blocks = 0;
}
