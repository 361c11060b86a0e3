#include "leak_mark.h"

#include "leak_inside.h"
#include "leak_memory.h"

/* A block's mark: how it was reached, and what was done with it. */
enum {
    REACHED = 0x07, /* one of the next */
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

/* ---- blocks to look into ---- */

#define STACK_BLOCKS ((size_t)128 * KIB)

static UNTOUCHED struct {
    struct leak_block *stack;
    size_t depth;
    bool overflow; /* some are marked, but not on the stack */
    void (*visit)(const uintptr_t *at);
} flow;

static void push(const struct leak_block *block) {
    if (flow.depth < STACK_BLOCKS)
        flow.stack[flow.depth++] = *block;
    else
        flow.overflow = true;
}

static void drain(void) {
    while (flow.depth > 0) {
        struct leak_block block = flow.stack[--flow.depth];
        *block.mark |= SCANNED;
        uintptr_t start = (uintptr_t)block.start;
        leak_each_word(start, start + block.size, true, flow.visit);
    }
}

static void push_forgotten(const struct leak_block *block) {
    if (reached(block) != UNREACHED && (*block->mark & SCANNED) == 0) push(block);
    if (flow.overflow) drain();
}

/* Looks into all blocks that were reached, and those that they reach. */
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

static void visit_start(const uintptr_t *at) {
    struct leak_block block;
    if (!leak_block_around(*at, &block) || reached(&block) == BY_STARTS) return;
    if (*at == (uintptr_t)block.start || leak_is_as_start(&block, *at))
        reach(&block, BY_STARTS);
    else
        *block.mark |= POINTED_INTO;
}

static void visit_owned(uintptr_t address) {
    struct leak_block block;
    if (leak_block_around(address, &block) && reached(&block) != BY_STARTS)
        reach(&block, BY_STARTS);
}

static void visit_inside(const uintptr_t *at) {
    struct leak_block block;
    if (leak_block_around(*at, &block) && reached(&block) == UNREACHED) reach(&block, BY_INSIDE);
}

static void flood_pointed_into(const struct leak_block *block) {
    if (reached(block) != UNREACHED || (*block->mark & POINTED_INTO) == 0) return;
    reach(block, BY_INSIDE);
    flood();
}

/* ---- among what is lost ---- */

static UNTOUCHED struct leak_block leader;
static UNTOUCHED struct leak_amount led;

/* A block that led until now is led if another lost one points to it. */
static void visit_lost(const uintptr_t *at) {
    struct leak_block block;
    if (!leak_block_around(*at, &block) || block.mark == leader.mark) return;
    if (reached(&block) == UNREACHED) reach(&block, LED);
    if (reached(&block) == LEADS) set_reached(&block, LED);
}

static void flood_lost(const struct leak_block *block) {
    if (reached(block) != UNREACHED) return;
    leader = *block;
    reach(block, LEADS);
    flood();
}

static void visit_led(const uintptr_t *at) {
    struct leak_block block;
    if (!leak_block_around(*at, &block) || reached(&block) != LED || (*block.mark & COUNTED) != 0)
        return;
    *block.mark = (uint8_t)((*block.mark | COUNTED) & ~SCANNED);
    led.blocks++;
    led.bytes += block.size;
    push(&block);
}

struct leak_amount leak_led_by(const struct leak_block *block) {
    led = (struct leak_amount){0};
    flow.visit = visit_led;
    *block->mark &= (uint8_t)~SCANNED;
    push(block);
    flood();
    return led;
}

/* ---- the whole ---- */

const char *leak_mark_all(const struct leak_roots *from) {
    flow.stack = leak_map(STACK_BLOCKS * sizeof *flow.stack);
    if (flow.stack == NULL || !leak_blocks_prepare()) return "no memory for the leak check";
    flow.visit = visit_start;
    if (!leak_each_root(from, visit_start, visit_owned))
        return "its mappings cannot be known (is /proc there?)";
    flood();
    flow.visit = visit_inside;
    leak_each_block(flood_pointed_into);
    flow.visit = visit_lost;
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
