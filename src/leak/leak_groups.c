#include "leak/leak_groups.h"

#include "base/compiler.h"
#include "base/numbers.h"
#include "check/block_info.h"
#include "leak/leak_memory.h"
#include "leak/leak_sort.h"
#include "profile/samples.h"

#define GROUPS_MAX ((size_t)1 << 16)
#define INDEX_SIZE (2 * GROUPS_MAX)
/* The last groups are reserved for the remainder of each class. */
#define GROUPS_APART (GROUPS_MAX - LEAK_CLASSES)

_Static_assert(sizeof(struct leak_group) <= LEAK_SORT_MAX, "groups can be sorted");

static UNTOUCHED struct {
    struct leak_groups *to;
    uint32_t *index; /* hash table of group numbers, which start at 1; 0 is free */
    bool reachable_too;
} leak_groups_state;

static uint64_t leak_groups_mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
    return hash ^ hash >> 29;
}

static uint64_t leak_groups_hash(const struct leak_group *group) {
    uint64_t hash = leak_groups_mix(leak_groups_mix(group->kind, group->is_rest), group->stack);
    return group->stack != 0 ? hash : leak_groups_mix(hash, group->size);
}

static bool leak_groups_are_same(const struct leak_group *a, const struct leak_group *b) {
    if (a->kind != b->kind || a->is_rest != b->is_rest || a->stack != b->stack) return false;
    return a->stack != 0 || a->size == b->size;
}

/* Returns NULL for a new group, whose place in the index is *place. */
static struct leak_group *leak_groups_find(const struct leak_group *like, uint32_t **place) {
    for (uint64_t i = leak_groups_hash(like);; i++) {
        *place = &leak_groups_state.index[i % INDEX_SIZE];
        if (**place == 0) return NULL;
        struct leak_group *group = &leak_groups_state.to->list[**place - 1];
        if (leak_groups_are_same(group, like)) return group;
    }
}

static struct leak_group *leak_groups_get(struct leak_group *like) {
    uint32_t *place;
    struct leak_group *group = leak_groups_find(like, &place);
    if (group == NULL && leak_groups_state.to->count >= GROUPS_APART) {
        *like = (struct leak_group){.kind = like->kind, .is_rest = true};
        group = leak_groups_find(like, &place);
    }
    if (group != NULL) return group;
    group = &leak_groups_state.to->list[leak_groups_state.to->count++];
    *group = *like;
    *place = (uint32_t)leak_groups_state.to->count;
    return group;
}

static void leak_groups_add_amount(struct leak_amount *to, struct leak_amount amount) {
    to->blocks += amount.blocks;
    to->bytes += amount.bytes;
}

/* Describes the block as the program knows it, if that was recorded. */
static struct leak_group leak_groups_describe_block(const struct leak_block *block) {
    struct block_info info;
    struct leak_group group = {.kind = leak_class_of(block),
                               .example = block->start,
                               .size = block->size,
                               .own = {1, block->size}};
    if (block_info_of(block->start, &info) && info.life == LIFE_LIVE) {
        group.stack = info.allocated;
        group.example = info.start;
        group.own.bytes = group.size = info.size;
    }
    struct mallow_profile_live sample;
    if (group.stack == 0 && samples_get(block->start, &sample)) group.stack = sample.node;
    return group;
}

static bool leak_groups_includes(const struct leak_group *group) {
    return group->kind != LEAK_INDIRECT &&
           (group->kind != LEAK_REACHABLE || leak_groups_state.reachable_too);
}

static void leak_groups_read_head(struct leak_group *group) {
    size_t most = min_size(group->size, LEAK_HEAD);
    group->head_bytes = (unsigned)leak_read((uintptr_t)group->example, group->head, most);
}

static void leak_groups_add_block(const struct leak_block *block) {
    struct leak_group one = leak_groups_describe_block(block);
    struct leak_amount amount = one.own;
    leak_groups_add_amount(&leak_groups_state.to->totals[one.kind], amount);
    if (!leak_groups_includes(&one)) return;
    leak_groups_read_head(&one);
    one.own = (struct leak_amount){0};
    struct leak_group *group = leak_groups_get(&one);
    leak_groups_add_amount(&group->own, amount);
    if (group->kind == LEAK_DEFINITE) leak_groups_add_amount(&group->led, leak_led_by(block));
}

static bool leak_groups_is_worse(const void *one, const void *other) {
    const struct leak_group *a = one, *b = other;
    size_t bytes_a = a->own.bytes + a->led.bytes, bytes_b = b->own.bytes + b->led.bytes;
    if (a->kind != b->kind) return a->kind < b->kind;
    if (a->is_rest != b->is_rest) return b->is_rest;
    return bytes_a != bytes_b ? bytes_a > bytes_b : a->example < b->example;
}

bool leak_group_all(struct leak_groups *groups, bool reachable_too) {
    *groups = (struct leak_groups){.list = leak_map(GROUPS_MAX * sizeof *groups->list)};
    leak_groups_state.to = groups;
    leak_groups_state.index = leak_map(INDEX_SIZE * sizeof *leak_groups_state.index);
    leak_groups_state.reachable_too = reachable_too;
    if (groups->list == NULL || leak_groups_state.index == NULL) return false;
    leak_each_block(leak_groups_add_block);
    leak_sort(groups->list, groups->count, sizeof *groups->list, leak_groups_is_worse);
    return true;
}
