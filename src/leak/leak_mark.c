#include "leak/leak_mark.h"

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "leak/leak_inside.h"
#include "leak/leak_memory.h"

/* The bits of a block's mark: how the block was reached, and what was done with it. */
enum {
    REACHED = 0x07, /* mask of the following five values */
    UNREACHED = 0,
    BY_STARTS,
    BY_INSIDE,
    LEADS,
    LED,
    POINTED_INTO = 0x08,
    SCANNED = 0x10,
    COUNTED = 0x20,
};

static uint8_t leak_mark_reached(const struct leak_block *block) { return *block->mark & REACHED; }

static void leak_mark_set_reached(const struct leak_block *block, uint8_t how) {
    *block->mark = (uint8_t)((*block->mark & ~REACHED) | how);
}

/* ---- words to follow ---- */

/*
 * Following a word to a block takes three dependent memory accesses, to its place, state and mark;
 * reading the block's first word takes another. Therefore words and blocks wait in queues while
 * their data is prefetched.
 */
#define QUEUE_WORDS 32u
#define QUEUE_HALF (QUEUE_WORDS / 2)

static UNTOUCHED struct {
    uintptr_t word[QUEUE_WORDS];
    size_t first, end; /* positions since the start of the check */
    void (*meet)(uintptr_t address, const struct leak_block *block);
} leak_mark_words;

static void leak_mark_follow_first(void) {
    struct leak_block block;
    uintptr_t address = leak_mark_words.word[leak_mark_words.first++ % QUEUE_WORDS];
    if (leak_block_around(address, &block)) leak_mark_words.meet(address, &block);
}

static void leak_mark_follow(const uintptr_t *at) {
    uintptr_t address = *at;
    if (!leak_is_in_heap(address)) return;
    if (leak_mark_words.end - leak_mark_words.first == QUEUE_WORDS) leak_mark_follow_first();
    leak_fetch_place(address);
    leak_mark_words.word[leak_mark_words.end++ % QUEUE_WORDS] = address;
    if (leak_mark_words.end - leak_mark_words.first > QUEUE_HALF)
        leak_fetch_block(leak_mark_words.word[(leak_mark_words.end - QUEUE_HALF) % QUEUE_WORDS]);
}

/* ---- blocks to look into ---- */

#define STACK_BLOCKS ((size_t)128 * KIB)
#define QUEUE_BLOCKS 8u

static UNTOUCHED struct {
    struct leak_block *stack;
    size_t depth;
    bool overflow; /* some blocks were marked but did not fit on the stack */
    struct leak_block next[QUEUE_BLOCKS];
    size_t first, end;
} leak_mark_blocks;

static void leak_mark_push(const struct leak_block *block) {
    if (leak_mark_blocks.depth < STACK_BLOCKS)
        leak_mark_blocks.stack[leak_mark_blocks.depth++] = *block;
    else
        leak_mark_blocks.overflow = true;
}

static bool leak_mark_take_next(void) {
    if (leak_mark_blocks.depth == 0 ||
        leak_mark_blocks.end - leak_mark_blocks.first == QUEUE_BLOCKS)
        return false;
    struct leak_block block = leak_mark_blocks.stack[--leak_mark_blocks.depth];
    fetch_ahead(block.start);
    fetch_ahead(block.start + CACHE_LINE);
    leak_mark_blocks.next[leak_mark_blocks.end++ % QUEUE_BLOCKS] = block;
    return true;
}

static void leak_mark_scan_first(void) {
    struct leak_block block = leak_mark_blocks.next[leak_mark_blocks.first++ % QUEUE_BLOCKS];
    *block.mark |= SCANNED;
    uintptr_t start = (uintptr_t)block.start;
    leak_each_word(start, start + block.size, LEAK_TOUCHED, leak_mark_follow);
}

static void leak_mark_drain(void) {
    for (;;) {
        while (leak_mark_take_next()) continue;
        if (leak_mark_blocks.first != leak_mark_blocks.end)
            leak_mark_scan_first();
        else if (leak_mark_words.first != leak_mark_words.end)
            leak_mark_follow_first();
        else
            return;
    }
}

static void leak_mark_push_forgotten(const struct leak_block *block) {
    if (leak_mark_reached(block) == UNREACHED || (*block->mark & SCANNED) != 0) return;
    if (leak_mark_blocks.depth == STACK_BLOCKS) leak_mark_drain();
    leak_mark_push(block);
}

/* Scans all blocks that were reached, and the blocks that they reach. */
static void leak_mark_flood(void) {
    leak_mark_drain();
    while (leak_mark_blocks.overflow) {
        leak_mark_blocks.overflow = false;
        leak_each_block(leak_mark_push_forgotten);
        leak_mark_drain();
    }
}

/* ---- from the roots ---- */

static void leak_mark_reach(const struct leak_block *block, uint8_t how) {
    leak_mark_set_reached(block, how);
    leak_mark_push(block);
}

static void leak_mark_meet_start(uintptr_t address, const struct leak_block *block) {
    if (leak_mark_reached(block) == BY_STARTS) return;
    if (address == (uintptr_t)block->start || leak_is_as_start(block, address))
        leak_mark_reach(block, BY_STARTS);
    else
        *block->mark |= POINTED_INTO;
}

static void leak_mark_meet_owned(uintptr_t address) {
    struct leak_block block;
    if (leak_block_around(address, &block) && leak_mark_reached(&block) != BY_STARTS)
        leak_mark_reach(&block, BY_STARTS);
}

static void leak_mark_meet_inside(uintptr_t address, const struct leak_block *block) {
    (void)address;
    if (leak_mark_reached(block) == UNREACHED) leak_mark_reach(block, BY_INSIDE);
}

static void leak_mark_flood_pointed_into(const struct leak_block *block) {
    if (leak_mark_reached(block) != UNREACHED || (*block->mark & POINTED_INTO) == 0) return;
    leak_mark_reach(block, BY_INSIDE);
    leak_mark_flood();
}

/* ---- lost blocks ---- */

static UNTOUCHED struct leak_block leak_mark_leader;
static UNTOUCHED struct leak_amount leak_mark_led;

/* A leader that another lost block points to becomes indirectly lost. */
static void leak_mark_meet_lost(uintptr_t address, const struct leak_block *block) {
    (void)address;
    if (block->mark == leak_mark_leader.mark) return;
    if (leak_mark_reached(block) == UNREACHED) leak_mark_reach(block, LED);
    if (leak_mark_reached(block) == LEADS) leak_mark_set_reached(block, LED);
}

static void leak_mark_flood_lost(const struct leak_block *block) {
    if (leak_mark_reached(block) != UNREACHED) return;
    leak_mark_leader = *block;
    leak_mark_reach(block, LEADS);
    leak_mark_flood();
}

static void leak_mark_meet_led(uintptr_t address, const struct leak_block *block) {
    (void)address;
    if (leak_mark_reached(block) != LED || (*block->mark & COUNTED) != 0) return;
    *block->mark = (uint8_t)((*block->mark | COUNTED) & ~SCANNED);
    leak_mark_led.blocks++;
    leak_mark_led.bytes += block->size;
    leak_mark_push(block);
}

struct leak_amount leak_led_by(const struct leak_block *block) {
    leak_mark_led = (struct leak_amount){0};
    leak_mark_words.meet = leak_mark_meet_led;
    *block->mark &= (uint8_t)~SCANNED;
    leak_mark_push(block);
    leak_mark_flood();
    return leak_mark_led;
}

/* ---- all blocks ---- */

const char *leak_mark_all(const struct leak_roots *from) {
    leak_mark_blocks.stack = leak_map(STACK_BLOCKS * sizeof *leak_mark_blocks.stack);
    if (leak_mark_blocks.stack == NULL || !leak_blocks_prepare())
        return "no memory for the leak check";
    leak_mark_words.meet = leak_mark_meet_start;
    if (!leak_each_root(from, leak_mark_follow, leak_mark_meet_owned))
        return "its mappings cannot be read (is /proc mounted?)";
    leak_mark_flood();
    leak_mark_words.meet = leak_mark_meet_inside;
    leak_each_block(leak_mark_flood_pointed_into);
    leak_mark_words.meet = leak_mark_meet_lost;
    leak_each_block(leak_mark_flood_lost);
    return NULL;
}

enum leak_class leak_class_of(const struct leak_block *block) {
    static const enum leak_class classes[] = {
        [UNREACHED] = LEAK_DEFINITE, [BY_STARTS] = LEAK_REACHABLE, [BY_INSIDE] = LEAK_POSSIBLE,
        [LEADS] = LEAK_DEFINITE,     [LED] = LEAK_INDIRECT,
    };
    return classes[leak_mark_reached(block)];
}
