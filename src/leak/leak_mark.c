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

static uint8_t reached(const struct leak_block *block) { return *block->mark & REACHED; }

static void set_reached(const struct leak_block *block, uint8_t how) {
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
} words;

static void follow_first(void) {
    struct leak_block block;
    uintptr_t address = words.word[words.first++ % QUEUE_WORDS];
    if (leak_block_around(address, &block)) words.meet(address, &block);
}

static void follow(const uintptr_t *at) {
    uintptr_t address = *at;
    if (!leak_is_in_heap(address)) return;
    if (words.end - words.first == QUEUE_WORDS) follow_first();
    leak_fetch_place(address);
    words.word[words.end++ % QUEUE_WORDS] = address;
    if (words.end - words.first > QUEUE_HALF)
        leak_fetch_block(words.word[(words.end - QUEUE_HALF) % QUEUE_WORDS]);
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
} flow;

static void push(const struct leak_block *block) {
    if (flow.depth < STACK_BLOCKS)
        flow.stack[flow.depth++] = *block;
    else
        flow.overflow = true;
}

static bool take_next(void) {
    if (flow.depth == 0 || flow.end - flow.first == QUEUE_BLOCKS) return false;
    struct leak_block block = flow.stack[--flow.depth];
    fetch_ahead(block.start);
    fetch_ahead(block.start + CACHE_LINE);
    flow.next[flow.end++ % QUEUE_BLOCKS] = block;
    return true;
}

static void look_into_first(void) {
    struct leak_block block = flow.next[flow.first++ % QUEUE_BLOCKS];
    *block.mark |= SCANNED;
    uintptr_t start = (uintptr_t)block.start;
    leak_each_word(start, start + block.size, LEAK_TOUCHED, follow);
}

static void drain(void) {
    for (;;) {
        while (take_next()) continue;
        if (flow.first != flow.end)
            look_into_first();
        else if (words.first != words.end)
            follow_first();
        else
            return;
    }
}

static void push_forgotten(const struct leak_block *block) {
    if (reached(block) == UNREACHED || (*block->mark & SCANNED) != 0) return;
    if (flow.depth == STACK_BLOCKS) drain();
    push(block);
}

/* Scans all blocks that were reached, and the blocks that they reach. */
static void flood(void) {
    drain();
    while (flow.overflow) {
        flow.overflow = false;
        leak_each_block(push_forgotten);
        drain();
    }
}

/* ---- from the roots ---- */

static void reach(const struct leak_block *block, uint8_t how) {
    set_reached(block, how);
    push(block);
}

static void meet_start(uintptr_t address, const struct leak_block *block) {
    if (reached(block) == BY_STARTS) return;
    if (address == (uintptr_t)block->start || leak_is_as_start(block, address))
        reach(block, BY_STARTS);
    else
        *block->mark |= POINTED_INTO;
}

static void meet_owned(uintptr_t address) {
    struct leak_block block;
    if (leak_block_around(address, &block) && reached(&block) != BY_STARTS)
        reach(&block, BY_STARTS);
}

static void meet_inside(uintptr_t address, const struct leak_block *block) {
    (void)address;
    if (reached(block) == UNREACHED) reach(block, BY_INSIDE);
}

static void flood_pointed_into(const struct leak_block *block) {
    if (reached(block) != UNREACHED || (*block->mark & POINTED_INTO) == 0) return;
    reach(block, BY_INSIDE);
    flood();
}

/* ---- lost blocks ---- */

static UNTOUCHED struct leak_block leader;
static UNTOUCHED struct leak_amount led;

/* A leader that another lost block points to becomes indirectly lost. */
static void meet_lost(uintptr_t address, const struct leak_block *block) {
    (void)address;
    if (block->mark == leader.mark) return;
    if (reached(block) == UNREACHED) reach(block, LED);
    if (reached(block) == LEADS) set_reached(block, LED);
}

static void flood_lost(const struct leak_block *block) {
    if (reached(block) != UNREACHED) return;
    leader = *block;
    reach(block, LEADS);
    flood();
}

static void meet_led(uintptr_t address, const struct leak_block *block) {
    (void)address;
    if (reached(block) != LED || (*block->mark & COUNTED) != 0) return;
    *block->mark = (uint8_t)((*block->mark | COUNTED) & ~SCANNED);
    led.blocks++;
    led.bytes += block->size;
    push(block);
}

struct leak_amount leak_led_by(const struct leak_block *block) {
    led = (struct leak_amount){0};
    words.meet = meet_led;
    *block->mark &= (uint8_t)~SCANNED;
    push(block);
    flood();
    return led;
}

/* ---- all blocks ---- */

const char *leak_mark_all(const struct leak_roots *from) {
    flow.stack = leak_map(STACK_BLOCKS * sizeof *flow.stack);
    if (flow.stack == NULL || !leak_blocks_prepare()) return "no memory for the leak check";
    words.meet = meet_start;
    if (!leak_each_root(from, follow, meet_owned))
        return "its mappings cannot be known (is /proc there?)";
    flood();
    words.meet = meet_inside;
    leak_each_block(flood_pointed_into);
    words.meet = meet_lost;
    leak_each_block(flood_lost);
    return NULL;
}

enum leak_class leak_class_of(const struct leak_block *block) {
    static const enum leak_class classes[] = {
        [UNREACHED] = LEAK_DEFINITE, [BY_STARTS] = LEAK_REACHABLE, [BY_INSIDE] = LEAK_POSSIBLE,
        [LEADS] = LEAK_DEFINITE,     [LED] = LEAK_INDIRECT,
    };
    return classes[reached(block)];
}
