#include "magazine.h"

#include <stdlib.h>
#include <string.h>

#include "cold.h"
#include "lock.h"
#include "meta.h"
#include "remote.h"
#include "settings.h"
#include "slab.h"

struct entry no_entries[1];

#define ENTRIES_FIRST 8u
#define ENTRIES_MAX 256u
#define STREAK_PART                                                              \
    4u /* a magazine grows after a quarter of its entries, in times it was short \
        */
/* What a magazine may hold, but for two slots: more of what programs have most. */
#define CACHED_BYTES_SMALL ((size_t)16 * KIB)
#define CACHED_BYTES_LARGE ((size_t)8 * KIB)
#define CACHED_SMALL ((size_t)256)

void magazines_init(struct heap *heap) {
    for (unsigned class = 0; class < CLASSES; class ++)
        heap->magazine[class] = (struct magazine){no_entries, no_entries + 1};
}

static struct entry *sentinel(const struct heap *heap, unsigned class) {
    unsigned entries = heap->bin[class].entries;
    return heap->magazine[class].limit - (entries == 0 ? 1 : entries);
}

unsigned magazine_count(const struct heap *heap, unsigned class) {
    return (unsigned)(heap->magazine[class].top - sentinel(heap, class));
}

static bool serves(unsigned class) {
    return !settings.count_calls && !settings.trace && settings.perturb == 0 &&
           class <= class_of(min_size(settings.mxfast, settings.tcache_max));
}

/* What the class may have, if nobody set a bound: with the sentinel. */
static unsigned entries_by_size(unsigned class) {
    size_t size = class_size(class);
    size_t slots = (size <= CACHED_SMALL ? CACHED_BYTES_SMALL : CACHED_BYTES_LARGE) / size;
    unsigned entries = ENTRIES_FIRST;
    while (entries < ENTRIES_MAX && entries <= slots) entries *= 2;
    /* Large slots: what fits, two at least, and the sentinel. */
    return slots < entries - 1 ? (unsigned)max_size(slots, 2) + 1 : entries;
}

/* Logically, with the sentinel: 1 means that every free gives back at once. */
static unsigned entries_allowed(unsigned class) {
    size_t slots = serves(class) ? min_size(entries_by_size(class) - 1, settings.tcache_count) : 0;
    return (unsigned)slots + 1;
}

/* In memory there is always room for the one slot that a refill takes and malloc pops again. */
static size_t array_bytes(unsigned entries) { return max_size(entries, 2) * sizeof(struct entry); }

/* A magazine is too small when it is refilled over and over, or flushed over and over. When the
 * two alternate, more entries would hold more of what is free and save little. */
static bool needs_growth(struct bin *bin, bool refill) {
    if (refill != (bin->streak > 0)) bin->streak = 0;
    bin->streak = (int16_t)(bin->streak + (refill ? 1 : -1));
    if ((unsigned)abs(bin->streak) < bin->entries / STREAK_PART) return false;
    bin->streak = 0;
    return true;
}

void magazine_grow(struct heap *heap, unsigned class) {
    struct bin *bin = &heap->bin[class];
    unsigned old = bin->entries;
    if (likely(old != 0 && old == bin->allowed)) return;
    if (old != 0 && !needs_growth(bin, magazine_count(heap, class) == 0)) return;
    unsigned allowed = bin->allowed = (uint16_t)entries_allowed(class);
    unsigned entries = old == 0 ? ENTRIES_FIRST : old * 2;
    if (entries > allowed) entries = allowed;
    if (entries <= old) return;
    lock_take(&global_lock);
    struct entry *array = meta_alloc(array_bytes(entries));
    if (array != NULL) {
        struct entry *before = sentinel(heap, class);
        unsigned count = magazine_count(heap, class);
        memcpy(array, before, (count + 1) * sizeof *array);
        heap->magazine[class] = (struct magazine){array + count, array + entries};
        bin->entries = (uint16_t)entries;
        if (old != 0) meta_free(before, array_bytes(old));
    }
    lock_drop(&global_lock);
}

unsigned magazine_want(const struct heap *heap, unsigned class) {
    unsigned entries = heap->bin[class].entries;
    if (entries <= 2) return entries != 0;
    /* Half of it, so that the frees that follow do not overflow at once. */
    return entries / 2 + 1;
}

void magazine_flush(struct heap *heap, unsigned class, unsigned count) {
    struct magazine *magazine = &heap->magazine[class];
    struct entry *bottom = sentinel(heap, class);
    unsigned have = (unsigned)(magazine->top - bottom);
    /* While entries move the magazine is empty: an interruption must find no entry twice. */
    magazine->top = bottom;
    signal_order();
    slab_give(heap, bottom + 1, count);
    memmove(bottom + 1, bottom + 1 + count, (have - count) * sizeof *bottom);
    signal_order();
    magazine->top = bottom + (have - count);
}

void magazines_flush_all(struct heap *heap) {
    for (unsigned class = 0; class < CLASSES; class ++)
        magazine_flush(heap, class, magazine_count(heap, class));
}

/* A signal handler may free into it until signals are blocked, so it is looked at again then. */
static void discard(struct heap *heap, unsigned class) {
    struct bin *bin = &heap->bin[class];
    while (bin->entries != 0) {
        magazine_flush(heap, class, magazine_count(heap, class));
        lock_take(&global_lock);
        if (magazine_count(heap, class) == 0) {
            struct entry *array = sentinel(heap, class);
            size_t bytes = array_bytes(bin->entries);
            bin->entries = 0;
            heap->magazine[class] = (struct magazine){no_entries, no_entries + 1};
            meta_free(array, bytes);
        }
        lock_drop(&global_lock);
    }
}

void magazines_renew(struct heap *heap) {
    for (unsigned class = 0; class < CLASSES; class ++) discard(heap, class);
}

/* What belongs to others: no slab of this heap would find it again. */
static void give_to_others(struct entry entry) {
    struct slab *slab = slab_head(slab_of(granule_of(entry.slot)));
    if (slab->kind == GRANULE_COLD)
        cold_give(entry.slot);
    else if (state_get(entry.state) == SLOT_CACHED_REMOTE)
        remote_give(slab, entry.state);
}

void magazines_forget(struct heap *heap) {
    for (unsigned class = 0; class < CLASSES; class ++) {
        struct magazine *magazine = &heap->magazine[class];
        while (magazine->top != sentinel(heap, class)) {
            struct entry newest = *magazine->top--;
            signal_order();
            give_to_others(newest);
        }
    }
}
