/*
 * Phases with different sizes. Each phase fills the heap with blocks of about one size and frees
 * all but a scattered tenth, so the next phase finds many holes that do not fit its size.
 */
#include "bench.h"
#include "workloads.h"

struct block {
    struct block *next;
    size_t size;
};

static struct block *push(struct block *head, size_t size) {
    struct block *block = block_new(size);
    *block = (struct block){.next = head, .size = size};
    return block;
}

/* Frees each block with a probability in tenths; returns the number of bytes that remain. */
static size_t thin_out(struct block **link, size_t tenths, struct rng *rng) {
    size_t remaining = 0;
    while (*link) {
        struct block *block = *link;
        if (rng_below(rng, 10) >= tenths) {
            remaining += block->size;
            link = &block->next;
        } else {
            *link = block->next;
            heap_free(block);
        }
    }
    return remaining;
}

void fragment(size_t steps) {
    static const size_t sizes[] = {24, 400, 64, 2000, 120, 900, 40, 6000, 200, 30000};
    const size_t full = 32u << 20;
    struct rng rng = {14};
    struct block *head = NULL;
    size_t live = 0;
    for (; steps > 0; steps--) {
        for (size_t phase = 0; phase < sizeof sizes / sizeof *sizes; phase++) {
            while (live < full) {
                size_t size = rng_between(&rng, sizes[phase], sizes[phase] * 5 / 4);
                head = push(head, size);
                live += size;
            }
            live = thin_out(&head, 9, &rng);
        }
    }
    thin_out(&head, 10, &rng);
}
