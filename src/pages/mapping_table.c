#include "pages/mapping_table.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/meta.h"

#define FIRST_CAPACITY 128u

/*
 * An entry belongs to the thread that changed its key by compare-and-swap:
 *
 *     free -> claimed -> block     mapping_table_place
 *     block -> free                mapping_entry_remove
 *     block -> moving -> block     mapping_entry_end_move, in place or refused
 *     block -> moving -> free      mapping_entry_end_move, once another entry has the new address
 *
 * A key is the complement of the block's address, so that a leak check never takes a key for a
 * pointer to the block. Blocks begin at pages, so one bit of the key is available: it says that the
 * kernel is about to move the block, and no look-up finds the block then.
 */
struct mapping_entry {
    _Atomic uintptr_t key;
    size_t lead; /* bytes of the mapping before the block */
    size_t bytes;
};
enum { ENTRY_FREE, ENTRY_CLAIMED };
#define KEY_MOVING ((uintptr_t)1)

/* A table is never copied or removed. When it is half full, a table of twice its size is put before
 * it in the list and takes new blocks. */
struct mapping_table {
    struct mapping_table *next;
    size_t capacity;         /* a power of two */
    _Atomic size_t reserved; /* entries in use or promised */
    _Atomic size_t reach;    /* how far from its first place an entry may be */
    struct mapping_entry entries[];
};

static _Atomic(struct mapping_table *) mapping_tables;

/* ---- bounds ---- */

/* Every mapping so far lies between these bounds. Neither bound is the address of a block, because
 * a leak check would take it for a pointer to that block. */
static _Atomic uintptr_t mapping_lowest = UINTPTR_MAX, mapping_highest;

static void mapping_raise(_Atomic uintptr_t *bound, uintptr_t value) {
    uintptr_t before = atomic_load_explicit(bound, memory_order_relaxed);
    while (before < value && !atomic_compare_exchange_weak_explicit(
                                 bound, &before, value, memory_order_relaxed, memory_order_relaxed))
        continue;
}

static void mapping_lower(_Atomic uintptr_t *bound, uintptr_t value) {
    uintptr_t before = atomic_load_explicit(bound, memory_order_relaxed);
    while (before > value && !atomic_compare_exchange_weak_explicit(
                                 bound, &before, value, memory_order_relaxed, memory_order_relaxed))
        continue;
}

bool mapping_may_hold(const void *p) {
    return (uintptr_t)p > atomic_load_explicit(&mapping_lowest, memory_order_relaxed) &&
           (uintptr_t)p < atomic_load_explicit(&mapping_highest, memory_order_relaxed);
}

/* ---- entries ---- */

static uintptr_t mapping_key(const void *block) { return ~(uintptr_t)block; }

static bool mapping_key_is_block(uintptr_t key) { return key > ENTRY_CLAIMED; }

/* Returns the block of a key, even while the block is being moved. */
static char *mapping_key_block(uintptr_t key) { return (char *)~(key | KEY_MOVING); }

static struct mapping_entry *mapping_table_entry(struct mapping_table *table, const void *block,
                                                 size_t distance) {
    size_t first = (size_t)(((uintptr_t)block >> 12) * 0x9e3779b97f4a7c15ull >> 20);
    return &table->entries[(first + distance) & (table->capacity - 1)];
}

struct mapping_entry *mapping_table_find(const void *block) {
    if ((uintptr_t)block % RUN_PAGE != 0 || !mapping_may_hold(block)) return NULL;
    uintptr_t key = mapping_key(block);
    struct mapping_table *table = atomic_load_explicit(&mapping_tables, memory_order_acquire);
    for (; table != NULL; table = table->next) {
        size_t reach = atomic_load_explicit(&table->reach, memory_order_acquire);
        for (size_t i = 0; i < reach; i++) {
            struct mapping_entry *entry = mapping_table_entry(table, block, i);
            if (atomic_load_explicit(&entry->key, memory_order_acquire) == key) return entry;
        }
    }
    return NULL;
}

static bool mapping_table_reserve_in(struct mapping_table *table, size_t limit) {
    if (atomic_fetch_add_explicit(&table->reserved, 1, memory_order_relaxed) < limit) return true;
    atomic_fetch_sub_explicit(&table->reserved, 1, memory_order_relaxed);
    return false;
}

void mapping_table_unreserve(struct mapping_table *table) {
    MALLOW_ASSERT(atomic_load_explicit(&table->reserved, memory_order_relaxed) != 0);
    atomic_fetch_sub_explicit(&table->reserved, 1, memory_order_relaxed);
}

static size_t mapping_table_bytes(size_t capacity) {
    return sizeof(struct mapping_table) + capacity * sizeof(struct mapping_entry);
}

static struct mapping_table *mapping_table_make(size_t bytes) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return os_map(bytes);
    struct mapping_table *table = meta_alloc(bytes);
    open_lock_drop(&global_lock, &hold);
    if (table != NULL) memset(table, 0, bytes);
    return table;
}

/* Puts a larger table before the first, unless another thread has done so. */
static bool mapping_table_grow(struct mapping_table *first) {
    size_t capacity = first == NULL ? FIRST_CAPACITY : first->capacity * 2;
    struct mapping_table *new = mapping_table_make(mapping_table_bytes(capacity));
    if (new == NULL) return false;
    new->capacity = capacity;
    new->next = first;
    /* If another thread was first, the memory of this table is lost. That happens a few times in a
     * process at most. */
    atomic_compare_exchange_strong_explicit(&mapping_tables, &first, new, memory_order_acq_rel,
                                            memory_order_acquire);
    return true;
}

struct mapping_table *mapping_table_reserve(void) {
    struct mapping_table *table;
    do {
        table = atomic_load_explicit(&mapping_tables, memory_order_acquire);
        if (table != NULL && mapping_table_reserve_in(table, table->capacity / 2)) return table;
    } while (mapping_table_grow(table));
    for (; table != NULL; table = table->next)
        if (mapping_table_reserve_in(table, table->capacity)) return table;
    return NULL;
}

static struct mapping_entry *mapping_table_claim(struct mapping_table *table, const char *block) {
    for (size_t i = 0;; i++) {
        struct mapping_entry *entry = mapping_table_entry(table, block, i);
        uintptr_t free = ENTRY_FREE;
        if (atomic_load_explicit(&entry->key, memory_order_relaxed) != ENTRY_FREE ||
            !atomic_compare_exchange_strong_explicit(&entry->key, &free, ENTRY_CLAIMED,
                                                     memory_order_acquire, memory_order_relaxed))
            continue;
        mapping_raise(&table->reach, min_size(i + 1, table->capacity));
        return entry;
    }
}

void mapping_table_place(struct mapping_table *table, char *block, char *start, size_t bytes) {
    MALLOW_ASSERT((uintptr_t)block % RUN_PAGE == 0);
    MALLOW_ASSERT(start <= block);
    MALLOW_ASSERT((size_t)(block - start) < bytes);
    mapping_lower(&mapping_lowest, (uintptr_t)start - 1);
    mapping_raise(&mapping_highest, (uintptr_t)start + bytes);
    struct mapping_entry *entry = mapping_table_claim(table, block);
    MALLOW_ASSERT(atomic_load_explicit(&entry->key, memory_order_relaxed) == ENTRY_CLAIMED);
    racy_store(&entry->lead, (size_t)(block - start));
    racy_store(&entry->bytes, bytes);
    atomic_store_explicit(&entry->key, mapping_key(block), memory_order_release);
}

/* Each load acquires, so that the second load of the key comes last. */
bool mapping_entry_read(struct mapping_entry *entry, struct mapping *mapping) {
    uintptr_t key = atomic_load_explicit(&entry->key, memory_order_acquire);
    size_t lead = __atomic_load_n(&entry->lead, __ATOMIC_ACQUIRE);
    size_t bytes = __atomic_load_n(&entry->bytes, __ATOMIC_ACQUIRE);
    if (!mapping_key_is_block(key) ||
        atomic_load_explicit(&entry->key, memory_order_acquire) != key)
        return false;
    *mapping = (struct mapping){mapping_key_block(key), mapping_key_block(key) - lead, bytes};
    return true;
}

/* Replaces the key of the block in the entry by the other key. Returns false if another thread was
 * first. */
static bool mapping_entry_change(struct mapping_entry *entry, const void *block, uintptr_t to) {
    uintptr_t key = mapping_key(block);
    MALLOW_ASSERT(mapping_key_is_block(key));
    MALLOW_ASSERT(to == ENTRY_FREE || mapping_key_block(to) == block);
    return atomic_compare_exchange_strong_explicit(&entry->key, &key, to, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

static void mapping_table_give_up(const struct mapping_entry *entry) {
    struct mapping_table *table = atomic_load_explicit(&mapping_tables, memory_order_acquire);
    while (entry < table->entries || entry >= table->entries + table->capacity) table = table->next;
    mapping_table_unreserve(table);
}

bool mapping_entry_remove(struct mapping_entry *entry, const void *block) {
    if (!mapping_entry_change(entry, block, ENTRY_FREE)) return false;
    mapping_table_give_up(entry);
    return true;
}

size_t mapping_entry_begin_move(struct mapping_entry *entry, const void *block) {
    if (!mapping_entry_change(entry, block, mapping_key(block) & ~KEY_MOVING)) return 0;
    return racy_load(size_t, &entry->bytes);
}

void mapping_entry_end_move(struct mapping_entry *entry, struct mapping_table *table,
                            const char *block, char *moved, size_t bytes) {
    MALLOW_ASSERT(atomic_load_explicit(&entry->key, memory_order_relaxed) ==
                  (mapping_key(block) & ~KEY_MOVING));
    if (moved == NULL || moved == block) {
        if (moved != NULL) racy_store(&entry->bytes, bytes);
        atomic_store_explicit(&entry->key, mapping_key(block), memory_order_release);
        mapping_table_unreserve(table);
    } else {
        mapping_table_place(table, moved, moved, bytes);
        atomic_store_explicit(&entry->key, ENTRY_FREE, memory_order_release);
        mapping_table_give_up(entry);
    }
}

/* ---- look-ups ---- */

static bool mapping_entry_is_around(struct mapping_entry *entry, const void *p,
                                    struct mapping *found) {
    return mapping_entry_read(entry, found) &&
           (uintptr_t)p - (uintptr_t)found->start < found->bytes;
}

bool mapping_around(const void *p, struct mapping *found) {
    static struct mapping_entry *_Atomic last; /* the last result is often needed again */
    if (!mapping_may_hold(p)) return false;
    struct mapping_entry *entry = atomic_load_explicit(&last, memory_order_relaxed);
    if (entry != NULL && mapping_entry_is_around(entry, p, found)) return true;
    struct mapping_table *table = atomic_load_explicit(&mapping_tables, memory_order_acquire);
    for (; table != NULL; table = table->next) {
        for (entry = table->entries; entry < table->entries + table->capacity; entry++) {
            if (!mapping_entry_is_around(entry, p, found)) continue;
            atomic_store_explicit(&last, entry, memory_order_relaxed);
            return true;
        }
    }
    return false;
}

/* Returns the distance of p from the mapping, in bytes. */
static size_t mapping_distance(const struct mapping *mapping, const char *p) {
    return p < mapping->start ? (size_t)(mapping->start - p)
                              : (size_t)(p - (mapping->start + mapping->bytes));
}

struct mapping_nearest {
    const char *p;
    struct mapping found;
};

static void mapping_choose_nearer(void *to, const struct mapping *mapping) {
    struct mapping_nearest *nearest = to;
    if (nearest->found.block == NULL ||
        mapping_distance(mapping, nearest->p) < mapping_distance(&nearest->found, nearest->p))
        nearest->found = *mapping;
}

RARE bool mapping_beside(const void *p, struct mapping *found) {
    struct mapping_nearest nearest = {.p = p};
    if (mapping_around(p, found)) return false;
    mapping_each(mapping_choose_nearer, &nearest);
    *found = nearest.found;
    return found->block != NULL && mapping_distance(found, p) < found->bytes / 4;
}

RARE void mapping_each(void (*call)(void *to, const struct mapping *mapping), void *to) {
    struct mapping found;
    struct mapping_table *table = atomic_load_explicit(&mapping_tables, memory_order_acquire);
    for (; table != NULL; table = table->next)
        for (struct mapping_entry *entry = table->entries; entry < table->entries + table->capacity;
             entry++)
            if (mapping_entry_read(entry, &found)) call(to, &found);
}
