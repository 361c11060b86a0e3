#include "shared/buddy.h"

#include "shared/store.h"

enum {
    ACTION_SPLIT,  /* The block `position` of order `high` becomes a used block of order `low`, and
                    * free blocks of the orders from `low` to `high` - 1. */
    ACTION_FREE,   /* The block `position` of order `low` merges with free blocks to a free block of
                    * order `high`. */
    ACTION_EXTEND, /* The same, to a used block. */
    ACTION_STORE,  /* Only handles change. */
    ACTIONS
};

#define BUDDY_UNITS(order) ((uint64_t)1 << (order))
#define BUDDY_BYTES(order) ((uint64_t)IMAGE_UNIT << (order))

uint64_t buddy_units_at(uint64_t maximum) {
    struct bits bits;
    uint64_t end = IMAGE_STATES_AT + (maximum + 7) / 8 * 8 + 8 * bits_layout(&bits, maximum);
    return (end + IMAGE_GRANULE - 1) / IMAGE_GRANULE * IMAGE_GRANULE;
}

void buddy_view(struct buddy *buddy, void *image, uint64_t maximum) {
    buddy->header = image;
    buddy->states = (unsigned char *)image + IMAGE_STATES_AT;
    buddy->bits.orders = &buddy->header->orders;
    buddy->bits.words = (uint64_t *)(void *)(buddy->states + (maximum + 7) / 8 * 8);
    bits_layout(&buddy->bits, maximum);
}

/* ---- states ---- */

static bool buddy_is_free(const struct buddy *buddy, uint64_t position, unsigned order) {
    return position < buddy_now(buddy)->units && buddy->states[position] == (STATE_FREE | order);
}

static unsigned buddy_order_at(const struct buddy *buddy, uint64_t position) {
    unsigned state = buddy->states[position];
    return state >= STATE_SMALL ? 0 : state & 0x3f;
}

/* The number of states that have the size of a block, which is order + 3 bits, 6 in each. */
static unsigned buddy_size_states(unsigned order) { return (order + 3 + 5) / 6; }

static void buddy_set_used(const struct buddy *buddy, uint64_t position, unsigned order,
                           uint64_t size) {
    unsigned char *state = &buddy->states[position];
    if (order == 0) {
        store_byte(state, STATE_SMALL + (unsigned)size);
        return;
    }
    uint64_t unused = BUDDY_BYTES(order) - size;
    for (unsigned i = 0; i < buddy_size_states(order); i++)
        store_byte(state + 1 + i, unused >> 6 * i & 0x3f);
    store_byte(state, STATE_USED | order);
}

size_t buddy_size(const struct buddy *buddy, uint64_t position) {
    const unsigned char *state = &buddy->states[position];
    if (*state >= STATE_SMALL) return *state - STATE_SMALL;
    unsigned order = *state & 0x3f;
    uint64_t unused = 0;
    for (unsigned i = 0; i < buddy_size_states(order); i++)
        unused |= (uint64_t)(state[1 + i] & 0x3f) << 6 * i;
    return (size_t)(BUDDY_BYTES(order) - unused);
}

/* Finds the block that contains the position. Returns NO_UNIT if the states make no sense. */
static uint64_t buddy_enclosing(const struct buddy *buddy, uint64_t position) {
    uint64_t units = buddy_now(buddy)->units;
    for (unsigned i = 0; i <= buddy->bits.top; i++) {
        uint64_t start = position & -BUDDY_UNITS(i);
        if (buddy->states[start] < STATE_FREE) continue;
        unsigned order = buddy_order_at(buddy, start);
        bool is_sound = order <= buddy->bits.top && (start & (BUDDY_UNITS(order) - 1)) == 0 &&
                        BUDDY_UNITS(order) <= units - start;
        return is_sound && position - start < BUDDY_UNITS(order) ? start : NO_UNIT;
    }
    return NO_UNIT;
}

enum mallow_result buddy_locate(const struct buddy *buddy, uint64_t position) {
    uint64_t start = buddy_enclosing(buddy, position);
    if (start == NO_UNIT) return MALLOW_DAMAGED;
    if (buddy->states[start] < STATE_USED) return MALLOW_ALREADY_FREE;
    return start == position ? MALLOW_OK : MALLOW_NOT_A_BLOCK;
}

uint64_t buddy_start(const struct buddy *buddy, uint64_t position) {
    uint64_t start = buddy_enclosing(buddy, position);
    return start != NO_UNIT && buddy->states[start] >= STATE_USED ? start : NO_UNIT;
}

/* ---- steps ---- */

static void buddy_apply_split(const struct buddy *buddy, const struct image_step *step,
                              bool thorough) {
    uint64_t position = step->position;
    for (unsigned i = step->low; i < step->high; i++) {
        uint64_t sibling = position + BUDDY_UNITS(i);
        store_byte(&buddy->states[sibling], STATE_FREE | i);
        bits_put(&buddy->bits, i, sibling >> i, true, thorough);
    }
    bits_put(&buddy->bits, step->high, position >> step->high, false, thorough);
    buddy_set_used(buddy, position, step->low, step->size);
}

/* Clears the heads of the blocks that merge, and writes the new one last. */
static void buddy_apply_merge(const struct buddy *buddy, const struct image_step *step,
                              bool thorough) {
    uint64_t position = step->position, start = position & -BUDDY_UNITS(step->high);
    for (unsigned i = step->low; i < step->high; i++) {
        uint64_t sibling = (position & -BUDDY_UNITS(i)) ^ BUDDY_UNITS(i);
        store_byte(&buddy->states[sibling], 0);
        bits_put(&buddy->bits, i, sibling >> i, false, thorough);
    }
    bool is_free = step->action == ACTION_FREE;
    if (step->low < step->high) {
        store_byte(&buddy->states[position], 0);
        bits_put(&buddy->bits, step->low, position >> step->low, false, thorough);
    }
    bits_put(&buddy->bits, step->high, start >> step->high, is_free, thorough);
    if (is_free)
        store_byte(&buddy->states[start], STATE_FREE | step->high);
    else
        buddy_set_used(buddy, start, step->high, step->size);
}

static inline void buddy_apply(const struct buddy *buddy, const struct image_step *step,
                               bool thorough) {
    if (step->action == ACTION_SPLIT)
        buddy_apply_split(buddy, step, thorough);
    else if (step->action != ACTION_STORE)
        buddy_apply_merge(buddy, step, thorough);
    for (int i = 0; i < 2 && step->place[i] != 0; i++)
        store_word((uint64_t *)(void *)((char *)buddy->header + step->place[i]), step->value[i]);
}

#define BUDDY_STEP_WORDS (offsetof(struct image_step, unused3) / sizeof(uint64_t))

static void buddy_copy_step(struct image_step *to, const struct image_step *from) {
    const char *words = (const char *)from;
    for (size_t i = 0; i < BUDDY_STEP_WORDS; i++) {
        uint64_t word;
        __builtin_memcpy(&word, words + 8 * i, sizeof word);
        store_word((uint64_t *)(void *)to + i, word);
    }
}

/* Prepares, commits and applies a step. */
static void buddy_begin(struct buddy *buddy, const struct image_step *step) {
    struct image_header *header = buddy->header;
    uint64_t other = (header->commit & 1) ^ 1;
    buddy_copy_step(&header->step[other], step);
    store_word(&header->commit, other | STEP_PENDING);
    buddy_apply(buddy, step, false);
}

static void buddy_end(struct buddy *buddy) {
    store_word(&buddy->header->commit, buddy->header->commit & 1);
}

static void buddy_run(struct buddy *buddy, const struct image_step *step) {
    buddy_begin(buddy, step);
    buddy_end(buddy);
}

/* Returns a step that changes no amounts. */
static struct image_step buddy_new_step(const struct buddy *buddy, unsigned action,
                                        uint64_t position, unsigned low, unsigned high) {
    const struct image_step *now = buddy_now(buddy);
    return (struct image_step){.position = position,
                               .action = (uint8_t)action,
                               .low = (uint8_t)low,
                               .high = (uint8_t)high,
                               .then_free = NO_UNIT,
                               .units = now->units,
                               .blocks = now->blocks,
                               .used = now->used,
                               .requested = now->requested};
}

static void buddy_add_stores(struct image_step *step, const struct buddy_stores *stores) {
    if (stores == NULL) return;
    for (int i = 0; i < 2; i++) {
        step->place[i] = stores->place[i];
        step->value[i] = stores->value[i];
    }
}

/* ---- freeing ---- */

/* Returns the order of the block that a block becomes if it merges as often as possible. */
static unsigned buddy_merged_order(const struct buddy *buddy, uint64_t position, unsigned order) {
    while (order < buddy->bits.top) {
        uint64_t sibling = (position & -BUDDY_UNITS(order)) ^ BUDDY_UNITS(order);
        if (!buddy_is_free(buddy, sibling, order)) break;
        order++;
    }
    return order;
}

static bool buddy_is_unmerged(const struct buddy *buddy, unsigned order) {
    uint64_t pair = buddy->header->unmerged[order];
    return buddy_is_free(buddy, pair, order) &&
           buddy_is_free(buddy, pair + BUDDY_UNITS(order), order);
}

/* Returns the step that frees a used block. */
static struct image_step buddy_new_free(const struct buddy *buddy, uint64_t position) {
    unsigned order = buddy_order_at(buddy, position);
    unsigned merged = buddy_merged_order(buddy, position, order);
    if (merged > order && !buddy_is_unmerged(buddy, order)) {
        store_word(&buddy->header->unmerged[order], position & -BUDDY_UNITS(order + 1));
        merged = order;
    }
    struct image_step step = buddy_new_step(buddy, ACTION_FREE, position, order, merged);
    step.blocks--;
    step.used -= BUDDY_BYTES(order);
    step.requested -= buddy_size(buddy, position);
    return step;
}

void buddy_give(struct buddy *buddy, uint64_t position, const struct buddy_stores *stores) {
    struct image_step step = buddy_new_free(buddy, position);
    buddy_add_stores(&step, stores);
    buddy_run(buddy, &step);
}

/* Merges the pairs of low orders first: the result may be the buddy of a block of a pair. */
void buddy_merge_all(struct buddy *buddy) {
    for (unsigned order = 0; order < buddy->bits.top; order++) {
        if (!buddy_is_unmerged(buddy, order)) continue;
        uint64_t pair = buddy->header->unmerged[order];
        unsigned merged = buddy_merged_order(buddy, pair, order);
        struct image_step step = buddy_new_step(buddy, ACTION_FREE, pair, order, merged);
        buddy_run(buddy, &step);
    }
}

/* Each step adds the largest block that can start at the end of the heap. */
void buddy_extend(struct buddy *buddy, uint64_t units) {
    for (uint64_t position; (position = buddy_now(buddy)->units) < units;) {
        unsigned order = 63 - (unsigned)__builtin_clzll(units - position);
        if (position != 0 && order > (unsigned)__builtin_ctzll(position))
            order = (unsigned)__builtin_ctzll(position);
        unsigned merged = buddy_merged_order(buddy, position, order);
        struct image_step step = buddy_new_step(buddy, ACTION_FREE, position, order, merged);
        step.units += BUDDY_UNITS(order);
        buddy_run(buddy, &step);
    }
}

/* ---- allocation ---- */

uint64_t buddy_find(const struct buddy *buddy, unsigned order, unsigned *found_order) {
    uint64_t orders = order <= buddy->bits.top ? *buddy->bits.orders >> order : 0;
    if (orders == 0) return NO_UNIT;
    unsigned found = order + (unsigned)__builtin_ctzll(orders);
    if (found > buddy->bits.top) return NO_UNIT;
    uint64_t index = bits_first(&buddy->bits, found);
    if (index == NO_UNIT || !buddy_is_free(buddy, index << found, found)) return NO_UNIT;
    *found_order = found;
    return index << found;
}

static void buddy_allocate(struct buddy *buddy, uint64_t position, unsigned found_order,
                           size_t size, const struct buddy_stores *stores, uint64_t old) {
    unsigned order = buddy_order(size);
    struct image_step step = buddy_new_step(buddy, ACTION_SPLIT, position, order, found_order);
    step.size = size;
    step.blocks++;
    step.used += BUDDY_BYTES(order);
    step.requested += size;
    step.then_free = old;
    buddy_add_stores(&step, stores);
    buddy_begin(buddy, &step);
    if (old != NO_UNIT) {
        step = buddy_new_free(buddy, old);
        buddy_begin(buddy, &step);
    }
    buddy_end(buddy);
}

void buddy_take(struct buddy *buddy, uint64_t position, unsigned found_order, size_t size,
                const struct buddy_stores *stores) {
    buddy_allocate(buddy, position, found_order, size, stores, NO_UNIT);
}

void buddy_replace(struct buddy *buddy, uint64_t position, unsigned found_order, size_t size,
                   const struct buddy_stores *stores, uint64_t old) {
    buddy_allocate(buddy, position, found_order, size, stores, old);
}

/* ---- resizing ---- */

static bool buddy_can_extend(const struct buddy *buddy, uint64_t position, unsigned order,
                             unsigned new_order) {
    if (new_order > buddy->bits.top || (position & (BUDDY_UNITS(new_order) - 1)) != 0) return false;
    while (order < new_order && buddy_is_free(buddy, position + BUDDY_UNITS(order), order)) order++;
    return order >= new_order;
}

bool buddy_resize(struct buddy *buddy, uint64_t position, size_t size) {
    unsigned order = buddy_order_at(buddy, position), new_order = buddy_order(size);
    if (new_order > order && !buddy_can_extend(buddy, position, order, new_order)) return false;
    struct image_step step = new_order > order
                                 ? buddy_new_step(buddy, ACTION_EXTEND, position, order, new_order)
                                 : buddy_new_step(buddy, ACTION_SPLIT, position, new_order, order);
    step.size = size;
    step.used += BUDDY_BYTES(new_order) - BUDDY_BYTES(order);
    step.requested += size - buddy_size(buddy, position);
    buddy_run(buddy, &step);
    return true;
}

void buddy_store(struct buddy *buddy, const struct buddy_stores *stores) {
    struct image_step step = buddy_new_step(buddy, ACTION_STORE, 0, 0, 0);
    buddy_add_stores(&step, stores);
    buddy_run(buddy, &step);
}

/* ---- repair ---- */

static bool buddy_is_step(const struct buddy *buddy, const struct image_step *step) {
    uint64_t end = buddy_units_at(buddy->header->maximum) + step->units * IMAGE_UNIT;
    bool has_places = true;
    for (int i = 0; i < 2; i++) has_places &= step->place[i] % 8 == 0 && step->place[i] < end;
    if (step->action >= ACTIONS || step->low > step->high || step->high > buddy->bits.top)
        return false;
    if (step->units > buddy->header->maximum || step->position >= step->units) return false;
    uint64_t start = step->position & -BUDDY_UNITS(step->high);
    return has_places && (step->position & (BUDDY_UNITS(step->low) - 1)) == 0 &&
           BUDDY_UNITS(step->high) <= step->units - start &&
           step->size <= BUDDY_BYTES(step->action == ACTION_SPLIT ? step->low : step->high);
}

bool buddy_repair(struct buddy *buddy) {
    struct image_header *header = buddy->header;
    if (header->commit > (STEP_PENDING | 1)) return false;
    if ((header->commit & STEP_PENDING) == 0) return true;
    const struct image_step *step = buddy_now(buddy);
    if (!buddy_is_step(buddy, step)) return false;
    if (step->then_free != NO_UNIT &&
        (step->then_free >= step->units || buddy_locate(buddy, step->then_free) != MALLOW_OK))
        return false;
    buddy_apply(buddy, step, true);
    if (step->then_free != NO_UNIT) {
        struct image_step successor = buddy_new_free(buddy, step->then_free);
        buddy_begin(buddy, &successor);
    }
    buddy_end(buddy);
    return true;
}
