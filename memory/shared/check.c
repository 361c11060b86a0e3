#include "shared/check.h"

#include <string.h>

struct check {
    const struct buddy *buddy;
    uint64_t units;
    uint64_t free[MALLOW_SHARED_ORDERS];     /* number of free blocks */
    uint64_t unmerged[MALLOW_SHARED_ORDERS]; /* number of pairs of free buddies */
    uint64_t blocks, used, requested;        /* the amounts of the used blocks */
    struct mallow_shared_finding *finding;
};

static bool check_fails(const struct check *check, const char *problem, const void *place) {
    check->finding->problem = problem;
    check->finding->position = (uint64_t)((const char *)place - (const char *)check->buddy->header);
    return false;
}

/* ---- states ---- */

/* Returns the first head from `from` to `end`, or `end`. Reads 8 states at a time. */
static const unsigned char *check_find_head(const unsigned char *from, const unsigned char *end) {
    for (uint64_t heads; end - from >= 8; from += 8) {
        memcpy(&heads, from, 8);
        if ((heads & 0xc0c0c0c0c0c0c0c0) != 0) break;
    }
    while (from < end && *from < STATE_FREE) from++;
    return from;
}

static bool check_used(struct check *check, uint64_t position, unsigned order) {
    const unsigned char *state = &check->buddy->states[position];
    size_t size = buddy_size(check->buddy, position);
    if (*state > STATE_SMALL + IMAGE_UNIT || (*state < STATE_SMALL && order == 0))
        return check_fails(check, "a block has a wrong state", state);
    if (size > (uint64_t)IMAGE_UNIT << order || buddy_order(size) != order)
        return check_fails(check, "a block has a wrong size", state);
    check->blocks++;
    check->used += (uint64_t)IMAGE_UNIT << order;
    check->requested += size;
    return true;
}

static bool check_free(struct check *check, uint64_t position, unsigned order) {
    const struct bits *bits = &check->buddy->bits;
    const unsigned char *states = check->buddy->states;
    const uint64_t *word = &bits->words[bits->start[order][0] + (position >> order >> 6)];
    if ((*word >> (position >> order & 63) & 1) == 0)
        return check_fails(check, "a free block is not in the index", word);
    uint64_t buddy = position ^ (uint64_t)1 << order;
    if (buddy < position && states[buddy] == states[position] &&
        ++check->unmerged[order] > check->buddy->header->unmerged[order])
        return check_fails(check, "two free buddies are not merged", &states[position]);
    check->free[order]++;
    return true;
}

static bool check_states(struct check *check) {
    const unsigned char *states = check->buddy->states;
    for (uint64_t position = 0, next; position < check->units; position = next) {
        unsigned state = states[position], order = state >= STATE_SMALL ? 0 : state & 0x3f;
        if (state < STATE_FREE) return check_fails(check, "a block is missing", &states[position]);
        if (order > check->buddy->bits.top || (position & (((uint64_t)1 << order) - 1)) != 0 ||
            (uint64_t)1 << order > check->units - position)
            return check_fails(check, "a block has a wrong state", &states[position]);
        next = position + ((uint64_t)1 << order);
        const unsigned char *head = check_find_head(&states[position + 1], &states[next]);
        if (head != &states[next]) return check_fails(check, "a block inside a block", head);
        if (state < STATE_USED ? !check_free(check, position, order)
                               : !check_used(check, position, order))
            return false;
    }
    return true;
}

/* ---- the index ---- */

/* Compares a level with the one below, which has `below` words. */
static bool check_level(const struct check *check, const uint64_t *level, const uint64_t *words,
                        uint64_t below) {
    for (uint64_t i = 0; i < below; i++)
        if ((level[i >> 6] >> (i & 63) & 1) != (words[i] != 0))
            return check_fails(check, "two levels of the index differ", &level[i >> 6]);
    unsigned rest = below & 63;
    if (rest != 0 && level[below >> 6] >> rest != 0)
        return check_fails(check, "two levels of the index differ", &level[below >> 6]);
    return true;
}

static bool check_order(const struct check *check, unsigned order) {
    const struct bits *bits = &check->buddy->bits;
    uint64_t count = (check->units >> order) / 64 + 1, found = 0;
    uint64_t most = ((check->buddy->header->maximum >> order) + 63) / 64;
    if (count > most) count = most;
    const uint64_t *words = &bits->words[bits->start[order][0]];
    for (uint64_t i = 0; i < count; i++) found += (unsigned)__builtin_popcountll(words[i]);
    if (found != check->free[order])
        return check_fails(check, "the index has a block that is not free", words);
    for (unsigned level = 1; level < bits->levels[order]; level++) {
        const uint64_t *above = &bits->words[bits->start[order][level]];
        if (!check_level(check, above, words, count)) return false;
        words = above;
        count = (count + 63) / 64;
    }
    if ((*bits->orders >> order & 1) != (*words != 0))
        return check_fails(check, "two levels of the index differ", bits->orders);
    return true;
}

static bool check_index(const struct check *check) {
    const struct bits *bits = &check->buddy->bits;
    if (*bits->orders >> bits->top >> 1 != 0)
        return check_fails(check, "the index has a block that is not free", bits->orders);
    for (unsigned order = 0; order <= bits->top; order++)
        if (!check_order(check, order)) return false;
    return true;
}

/* ---- header and directory ---- */

static bool check_amounts(const struct check *check) {
    const struct image_step *now = buddy_now(check->buddy);
    if (now->blocks != check->blocks || now->used != check->used ||
        now->requested != check->requested)
        return check_fails(check, "the amounts differ from the blocks", &now->blocks);
    return true;
}

static bool check_names(const struct check *check) {
    const struct image_name *names =
        (const void *)((const char *)check->buddy->header + IMAGE_NAMES_AT);
    for (int i = 0; i < MALLOW_SHARED_NAMES; i++)
        if (names[i].handle != 0 &&
            (names[i].name[0] == '\0' || memchr(names[i].name, 0, sizeof names[i].name) == NULL))
            return check_fails(check, "a name is not a string", &names[i]);
    return true;
}

bool check_image(const struct buddy *buddy, struct mallow_shared_finding *finding) {
    struct check check = {.buddy = buddy, .finding = finding};
    const struct image_header *header = buddy->header;
    *finding = (struct mallow_shared_finding){NULL, 0};
    if (header->commit > 1) return check_fails(&check, "a step is not complete", &header->commit);
    check.units = buddy_now(buddy)->units;
    if (check.units > header->maximum)
        return check_fails(&check, "the heap is larger than its maximum", &buddy_now(buddy)->units);
    return check_states(&check) && check_index(&check) && check_amounts(&check) &&
           check_names(&check);
}
