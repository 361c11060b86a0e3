#include "shared/buddy.h"

#include "shared/store.h"

enum {
    ACTION_SPLIT,  /* The block `position` of order `high` becomes a used block of order `low`, and
                    * free blocks of the orders from `low` to `high` - 1. */
    ACTION_FREE,   /* The block `position` of order `low` merges with free blocks to a free block of
                    * order `high`. */
    ACTION_EXTEND, /* The block merges in the same way, but to a used block. */
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

/* Returns the number of states that store the size of a block: order + 3 bits, 6 in each state. */
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

/* Finds the block that contains the position. Returns NO_UNIT if the states are invalid. */
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

static unsigned buddy_action(const struct image_step *step) { return step->what & 0xff; }
static unsigned buddy_low(const struct image_step *step) { return step->what >> 8 & 0xff; }
static unsigned buddy_high(const struct image_step *step) { return step->what >> 16 & 0xff; }

static void buddy_apply_split(const struct buddy *buddy, const struct image_step *step,
                              bool thorough) {
    uint64_t position = step->position;
    unsigned low = buddy_low(step), high = buddy_high(step);
    for (unsigned i = low; i < high; i++) {
        uint64_t sibling = position + BUDDY_UNITS(i);
        store_byte(&buddy->states[sibling], STATE_FREE | i);
        bits_put(&buddy->bits, i, sibling >> i, true, thorough);
    }
    bits_put(&buddy->bits, high, position >> high, false, thorough);
    buddy_set_used(buddy, position, low, step->size);
}

/* Clears the heads of the blocks that merge, and writes the new one last. */
static void buddy_apply_merge(const struct buddy *buddy, const struct image_step *step,
                              bool thorough) {
    unsigned low = buddy_low(step), high = buddy_high(step);
    uint64_t position = step->position, start = position & -BUDDY_UNITS(high);
    for (unsigned i = low; i < high; i++) {
        uint64_t sibling = (position & -BUDDY_UNITS(i)) ^ BUDDY_UNITS(i);
        store_byte(&buddy->states[sibling], 0);
        bits_put(&buddy->bits, i, sibling >> i, false, thorough);
    }
    bool is_free = buddy_action(step) == ACTION_FREE;
    if (low < high) {
        store_byte(&buddy->states[position], 0);
        bits_put(&buddy->bits, low, position >> low, false, thorough);
    }
    bits_put(&buddy->bits, high, start >> high, is_free, thorough);
    if (is_free)
        store_byte(&buddy->states[start], STATE_FREE | high);
    else
        buddy_set_used(buddy, start, high, step->size);
}

static inline void buddy_apply(const struct buddy *buddy, const struct image_step *step,
                               bool thorough) {
    if (buddy_action(step) == ACTION_SPLIT)
        buddy_apply_split(buddy, step, thorough);
    else if (buddy_action(step) != ACTION_STORE)
        buddy_apply_merge(buddy, step, thorough);
    for (int i = 0; i < 2 && step->place[i] != 0; i++)
        store_word((uint64_t *)(void *)((char *)buddy->header + step->place[i]), step->value[i]);
}

/* The differences that a step makes to the amounts. */
struct buddy_change {
    uint64_t units, blocks, used, requested;
};

/* Describes a step in the record that is not current. Writes each word once and makes no copy of
 * the record, because this is half of the work for a small block. */
static inline struct image_step *buddy_prepare(const struct buddy *buddy, unsigned action,
                                               uint64_t position, unsigned low, unsigned high,
                                               size_t size, struct buddy_change change,
                                               const struct buddy_stores *stores) {
    const struct image_step *now = buddy_now(buddy);
    struct image_step *step = &buddy->header->step[(buddy->header->commit & 1) ^ 1];
    store_word(&step->position, position);
    store_word(&step->what, action | low << 8 | high << 16);
    store_word(&step->size, size);
    store_word(&step->then_free, NO_UNIT);
    store_word(&step->units, now->units + change.units);
    store_word(&step->blocks, now->blocks + change.blocks);
    store_word(&step->used, now->used + change.used);
    store_word(&step->requested, now->requested + change.requested);
    store_word(&step->number, now->number + 1);
    for (int i = 0; stores != NULL && i < 2; i++) {
        store_word(&step->place[i], stores->place[i]);
        store_word(&step->value[i], stores->value[i]);
    }
    if (stores == NULL) store_word(&step->place[0], 0);
    return step;
}

/* Commits and applies a step. */
static inline void buddy_begin(const struct buddy *buddy, const struct image_step *step) {
    uint64_t index = (uint64_t)(step - buddy->header->step);
    store_word(&buddy->header->commit, index | STEP_PENDING);
    buddy_apply(buddy, step, false);
}

static void buddy_end(const struct buddy *buddy) {
    store_word(&buddy->header->commit, buddy->header->commit & 1);
}

static void buddy_run(const struct buddy *buddy, const struct image_step *step) {
    buddy_begin(buddy, step);
    buddy_end(buddy);
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

/* Returns how many pairs of free buddies of an order may stay unmerged: as many as fit into a 32nd
 * of the heap, but at least 1. */
static uint64_t buddy_unmerged_max(const struct buddy *buddy, unsigned order) {
    uint64_t most = buddy_now(buddy)->units >> (order + 6);
    return most == 0 ? 1 : most < 1024 ? most : 1024;
}

/* Prepares the step that frees a used block. */
static struct image_step *buddy_prepare_free(const struct buddy *buddy, uint64_t position,
                                             const struct buddy_stores *stores) {
    unsigned order = buddy_order_at(buddy, position);
    unsigned merged = buddy_merged_order(buddy, position, order);
    uint64_t *unmerged = &buddy->header->unmerged[order];
    if (merged > order && *unmerged < buddy_unmerged_max(buddy, order)) {
        store_word(unmerged, *unmerged + 1);
        merged = order;
    }
    const struct buddy_change change = {.blocks = -(uint64_t)1,
                                        .used = -BUDDY_BYTES(order),
                                        .requested = -(uint64_t)buddy_size(buddy, position)};
    return buddy_prepare(buddy, ACTION_FREE, position, order, merged, 0, change, stores);
}

void buddy_give(struct buddy *buddy, uint64_t position, const struct buddy_stores *stores) {
    buddy_run(buddy, buddy_prepare_free(buddy, position, stores));
}

static void buddy_merge_at(struct buddy *buddy, uint64_t position, unsigned order) {
    unsigned merged = buddy_merged_order(buddy, position, order);
    buddy_run(buddy, buddy_prepare(buddy, ACTION_FREE, position, order, merged, 0,
                                   (struct buddy_change){0}, NULL));
}

/* Merges the pairs of low orders first: the result may be the buddy of a block of a pair. */
void buddy_merge_all(struct buddy *buddy) {
    const uint64_t even = 0x5555555555555555;
    for (unsigned order = 0; order < buddy->bits.top; order++) {
        if (buddy->header->unmerged[order] == 0) continue;
        const uint64_t *words = &buddy->bits.words[buddy->bits.start[order][0]];
        uint64_t count = buddy_now(buddy)->units >> order;
        for (uint64_t index = 0, pairs; index < count; index += 64)
            while ((pairs = words[index / 64] & words[index / 64] >> 1 & even) != 0)
                buddy_merge_at(buddy, (index + (unsigned)__builtin_ctzll(pairs)) << order, order);
        store_word(&buddy->header->unmerged[order], 0);
    }
}

/* Each step adds the largest block that can start at the end of the heap. */
void buddy_extend(struct buddy *buddy, uint64_t units) {
    for (uint64_t position; (position = buddy_now(buddy)->units) < units;) {
        unsigned order = 63 - (unsigned)__builtin_clzll(units - position);
        if (position != 0 && order > (unsigned)__builtin_ctzll(position))
            order = (unsigned)__builtin_ctzll(position);
        unsigned merged = buddy_merged_order(buddy, position, order);
        const struct buddy_change change = {.units = BUDDY_UNITS(order)};
        buddy_run(buddy,
                  buddy_prepare(buddy, ACTION_FREE, position, order, merged, 0, change, NULL));
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

static inline struct image_step *buddy_prepare_take(const struct buddy *buddy, uint64_t position,
                                                    unsigned found_order, size_t size,
                                                    const struct buddy_stores *stores) {
    unsigned order = buddy_order(size);
    const struct buddy_change change = {.blocks = 1, .used = BUDDY_BYTES(order), .requested = size};
    return buddy_prepare(buddy, ACTION_SPLIT, position, order, found_order, size, change, stores);
}

/* Returns true if a free block and its buddy are a pair that was not merged. */
static bool buddy_is_unmerged(const struct buddy *buddy, uint64_t position, unsigned order) {
    return buddy->header->unmerged[order] != 0 &&
           buddy_is_free(buddy, position ^ BUDDY_UNITS(order), order);
}

/* If a process is killed before the last store, the number of pairs of an order may be too high,
 * but never too low. */
static void buddy_end_take(const struct buddy *buddy, unsigned found_order, bool was_unmerged) {
    buddy_end(buddy);
    uint64_t *unmerged = &buddy->header->unmerged[found_order];
    if (was_unmerged) store_word(unmerged, *unmerged - 1);
}

void buddy_take(struct buddy *buddy, uint64_t position, unsigned found_order, size_t size,
                const struct buddy_stores *stores) {
    bool was_unmerged = buddy_is_unmerged(buddy, position, found_order);
    buddy_begin(buddy, buddy_prepare_take(buddy, position, found_order, size, stores));
    buddy_end_take(buddy, found_order, was_unmerged);
}

void buddy_replace(struct buddy *buddy, uint64_t position, unsigned found_order, size_t size,
                   const struct buddy_stores *stores, uint64_t old) {
    bool was_unmerged = buddy_is_unmerged(buddy, position, found_order);
    struct image_step *step = buddy_prepare_take(buddy, position, found_order, size, stores);
    store_word(&step->then_free, old);
    buddy_begin(buddy, step);
    buddy_begin(buddy, buddy_prepare_free(buddy, old, NULL));
    buddy_end_take(buddy, found_order, was_unmerged);
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
    unsigned action = new_order > order ? ACTION_EXTEND : ACTION_SPLIT;
    unsigned low = new_order > order ? order : new_order, high = order + new_order - low;
    const struct buddy_change change = {.used = BUDDY_BYTES(new_order) - BUDDY_BYTES(order),
                                        .requested = size - buddy_size(buddy, position)};
    buddy_run(buddy, buddy_prepare(buddy, action, position, low, high, size, change, NULL));
    return true;
}

void buddy_store(struct buddy *buddy, const struct buddy_stores *stores) {
    buddy_run(buddy,
              buddy_prepare(buddy, ACTION_STORE, 0, 0, 0, 0, (struct buddy_change){0}, stores));
}

/* ---- repair ---- */

static bool buddy_is_step(const struct buddy *buddy, const struct image_step *step) {
    uint64_t end = buddy_units_at(buddy->header->maximum) + step->units * IMAGE_UNIT;
    unsigned low = buddy_low(step), high = buddy_high(step);
    bool has_places = true;
    for (int i = 0; i < 2 && step->place[i] != 0; i++)
        has_places &= step->place[i] % 8 == 0 && step->place[i] < end;
    if (buddy_action(step) >= ACTIONS || low > high || high > buddy->bits.top) return false;
    if (step->units > buddy->header->maximum || step->position >= step->units) return false;
    uint64_t start = step->position & -BUDDY_UNITS(high);
    return has_places && (step->position & (BUDDY_UNITS(low) - 1)) == 0 &&
           BUDDY_UNITS(high) <= step->units - start &&
           step->size <= BUDDY_BYTES(buddy_action(step) == ACTION_SPLIT ? low : high);
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
    if (step->then_free != NO_UNIT)
        buddy_begin(buddy, buddy_prepare_free(buddy, step->then_free, NULL));
    buddy_end(buddy);
    return true;
}
