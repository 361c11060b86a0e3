/* mallow advise: follows blocks that grow. */
#include <stdlib.h>

#include "advise/advise_pass.h"
#include "common/xalloc.h"

#define GROWTH_STEPS_MIN 4u

/* A copy is larger than the block by a factor of 1.2 to 4. */
#define COPY_MIN(size) ((size) + (size) / 5)
#define COPY_MAX(size) ((size) * 4)

/* Returns the index of the block's chain, which may be new. */
static uint32_t advise_growth_chain(struct advise_pass *pass,
                                    const struct mallow_trace_block *block) {
    if (advise_block_chain(block) != 0) return advise_block_chain(block) - 1;
    uint32_t index;
    if (pass->free_chain_count != 0) {
        index = pass->free_chains[--pass->free_chain_count];
    } else {
        pass->chains = xgrow(pass->chains, pass->chain_count, sizeof *pass->chains);
        pass->free_chains = xgrow(pass->free_chains, pass->chain_count, sizeof *pass->free_chains);
        index = (uint32_t)pass->chain_count++;
    }
    pass->chains[index] = (struct advise_chain){.first = block->size};
    return index;
}

static void advise_growth_step(struct advise_chain *chain, uint64_t before, uint64_t after,
                               bool is_copied) {
    uint64_t step = after - before;
    chain->steps++;
    if (step == chain->step) chain->even_steps++;
    chain->step = step;
    if (!is_copied) return;
    chain->copied += before;
    if (before > chain->overlap) chain->overlap = before;
}

uint32_t advise_growth_resize(struct advise_pass *pass, const struct mallow_trace_block *old,
                              const struct mallow_trace_event *event) {
    uint64_t size = mallow_trace_bytes(event);
    if (size <= old->size) return advise_block_chain(old);
    uint32_t index = advise_growth_chain(pass, old);
    bool is_copied =
        event->address != event->old_address && !pass->threads[event->thread].has_moved_pages;
    advise_growth_step(&pass->chains[index], old->size, size, is_copied);
    pass->chains[index].by_realloc = true;
    return index + 1;
}

bool advise_growth_copy(struct advise_pass *pass, const struct mallow_trace_block *old,
                        uint64_t newest) {
    struct mallow_trace_block *copy = trace_live_find(&pass->live, old->process, newest);
    if (copy == NULL || copy == old || advise_block_chain(copy) != 0 ||
        advise_block_site(pass, copy) != advise_block_site(pass, old) ||
        copy->size < COPY_MIN(old->size) || copy->size > COPY_MAX(old->size))
        return false;
    uint32_t index = advise_growth_chain(pass, old);
    advise_growth_step(&pass->chains[index], old->size, copy->size, true);
    copy->event = advise_block_owner(copy) | (uint64_t)(index + 1) << 32;
    return true;
}

void advise_growth_end(struct advise_pass *pass, const struct mallow_trace_block *block,
                       uint64_t time) {
    uint32_t index = advise_block_chain(block) - 1;
    const struct advise_chain *chain = &pass->chains[index];
    struct advise_growth *growth = &advise_block_site(pass, block)->growth;
    pass->free_chains[pass->free_chain_count++] = index;
    if (chain->steps < GROWTH_STEPS_MIN) return;
    growth->chains++;
    growth->steps += chain->steps;
    growth->even_steps += chain->even_steps;
    growth->copied += chain->copied;
    growth->first += chain->first;
    growth->last += block->size;
    growth->kept += time - block->time;
    growth->by_realloc = growth->by_realloc || chain->by_realloc;
    if (chain->steps > growth->longest) growth->longest = chain->steps;
    if (block->size > growth->largest) growth->largest = block->size;
    if (chain->overlap > growth->overlap) growth->overlap = chain->overlap;
}
