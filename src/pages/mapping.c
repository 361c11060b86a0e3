#include "pages/mapping.h"

#include <stdatomic.h>
#include <string.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/meta.h"
#include "pages/space.h"

#define FIRST_CAPACITY 128u
#define HUGE_MINIMUM ((size_t)2 * MIB) /* bytes of a mapping that may have huge pages */

/*
 * An entry belongs to the thread that changed its key by compare-and-swap:
 *
 *     free -> claimed -> block     mapping_table_place
 *     block -> free                mapping_free
 *     block -> moving -> block     mapping_resize, in place or refused
 *     block -> moving -> free      mapping_resize, once another entry has the new address
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
static struct mapping_counts mapping_totals;

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

/* ---- the tables ---- */

static uintptr_t mapping_key(const void *block) { return ~(uintptr_t)block; }

static bool mapping_key_is_block(uintptr_t key) { return key > ENTRY_CLAIMED; }

/* Returns the block of a key, even while the block is being moved. */
static char *mapping_key_block(uintptr_t key) { return (char *)~(key | KEY_MOVING); }

static struct mapping_entry *mapping_table_entry(struct mapping_table *table, const void *block,
                                                 size_t distance) {
    size_t first = (size_t)(((uintptr_t)block >> 12) * 0x9e3779b97f4a7c15ull >> 20);
    return &table->entries[(first + distance) & (table->capacity - 1)];
}

static struct mapping_entry *mapping_table_find(const void *block) {
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

static void mapping_table_unreserve(struct mapping_table *table) {
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

/* Reserves an entry in some table. The caller then places a block there or unreserves the entry. */
static struct mapping_table *mapping_table_reserve(void) {
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

static void mapping_table_place(struct mapping_table *table, char *block, char *start,
                                size_t bytes) {
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

/* Reads an entry. False if it holds no block or changes during the read; the entry of a block that
 * the caller owns does not change. Each load acquires, so that the second load of the key comes
 * last. */
static bool mapping_entry_read(struct mapping_entry *entry, struct mapping *mapping) {
    uintptr_t key = atomic_load_explicit(&entry->key, memory_order_acquire);
    size_t lead = __atomic_load_n(&entry->lead, __ATOMIC_ACQUIRE);
    size_t bytes = __atomic_load_n(&entry->bytes, __ATOMIC_ACQUIRE);
    if (!mapping_key_is_block(key) ||
        atomic_load_explicit(&entry->key, memory_order_acquire) != key)
        return false;
    *mapping = (struct mapping){mapping_key_block(key), mapping_key_block(key) - lead, bytes};
    return true;
}

/* Takes the entry from the block to the other key; false when another thread was first. */
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

/* ---- blocks ---- */

static bool mapping_may_add(void) {
    return racy_load(size_t, &mapping_totals.count) < settings.mmap_max;
}

/* A block is counted before its entry appears and until after it is gone, so the count is never
 * less than the number of entries. */
static bool mapping_table_add(char *block, char *start, size_t bytes) {
    struct mapping_table *table = mapping_table_reserve();
    if (table == NULL) return false;
    mapping_counts_add(&mapping_totals, bytes);
    mapping_table_place(table, block, start, bytes);
    return true;
}

void *mapping_alloc_always(size_t bytes, size_t align) {
    MALLOW_ASSERT(align != 0 && (align & (align - 1)) == 0);
    size_t page = os_page_size();
    size_t lead = align > page ? align - page : 0;
    if (bytes > (size_t)PTRDIFF_MAX - page - lead) return NULL;
    bytes = round_up(bytes, page);
    char *start = os_map(bytes + lead);
    if (start == NULL) return NULL;
    char *block = (char *)round_up((uintptr_t)start, max_size(align, page));
    size_t front = (size_t)(block - start), back = lead - front;
    /* An end that the kernel does not unmap stays part of the mapping. */
    if (front != 0 && os_unmap(start, front)) start = block;
    if (back != 0 && !os_unmap(block + bytes, back)) bytes += back;
    if (space.huge_pages && bytes >= HUGE_MINIMUM) os_advise_huge(block, bytes);
    bytes += (size_t)(block - start);
    if (mapping_table_add(block, start, bytes)) return block;
    os_unmap(start, bytes);
    return NULL;
}

void *mapping_alloc(size_t bytes, size_t align) {
    return mapping_may_add() ? mapping_alloc_always(bytes, align) : NULL;
}

size_t mapping_usable(const void *block) {
    struct mapping_entry *entry = mapping_table_find(block);
    struct mapping found;
    if (entry == NULL || !mapping_entry_read(entry, &found) || found.block != block) return 0;
    return found.bytes - (size_t)(found.block - found.start);
}

bool mapping_free(void *block) {
    struct mapping_entry *entry = mapping_table_find(block);
    struct mapping gone;
    if (entry == NULL || !mapping_entry_read(entry, &gone) ||
        !mapping_entry_change(entry, block, ENTRY_FREE))
        return false;
    mapping_table_give_up(entry);
    mapping_counts_remove(&mapping_totals, gone.bytes);
    settings_adapt_threshold(gone.bytes);
    /* If the kernel refuses at max_map_count, at least the memory goes back. */
    if (!os_unmap(gone.start, gone.bytes)) os_purge(gone.start, gone.bytes);
    return true;
}

/* Moves a block whose entry the caller has marked as moving. Returns NULL when the kernel refuses;
 * the block and its entry are then as before. */
static void *mapping_entry_move(struct mapping_entry *entry, struct mapping_table *table,
                                char *block, size_t bytes) {
    MALLOW_ASSERT(atomic_load_explicit(&entry->key, memory_order_relaxed) ==
                  (mapping_key(block) & ~KEY_MOVING));
    MALLOW_ASSERT(bytes != 0);
    size_t before = racy_load(size_t, &entry->bytes);
    char *moved = os_remap(block, before, bytes);
    if (moved == NULL || moved == block) {
        if (moved != NULL) racy_store(&entry->bytes, bytes);
        atomic_store_explicit(&entry->key, mapping_key(block), memory_order_release);
        mapping_table_unreserve(table);
    } else {
        mapping_table_place(table, moved, moved, bytes);
        atomic_store_explicit(&entry->key, ENTRY_FREE, memory_order_release);
        mapping_table_give_up(entry);
    }
    if (moved == NULL) return NULL;
    mapping_counts_add(&mapping_totals, bytes);
    mapping_counts_remove(&mapping_totals, before);
    return moved;
}

void *mapping_resize(void *block, size_t bytes) {
    struct mapping_entry *entry = mapping_table_find(block);
    if (entry == NULL || racy_load(size_t, &entry->lead) != 0) return NULL;
    /* A block that has moved needs an entry, so one is reserved before the move. */
    struct mapping_table *table = mapping_table_reserve();
    if (table == NULL) return NULL;
    if (!mapping_entry_change(entry, block, mapping_key(block) & ~KEY_MOVING)) {
        mapping_table_unreserve(table);
        return NULL;
    }
    return mapping_entry_move(entry, table, block, round_up(bytes, os_page_size()));
}

bool mapping_is_possible(size_t bytes) {
    void *start = os_map(bytes);
    return start != NULL && os_unmap(start, bytes);
}

/* The kernel moves pages only onto a mapping of the same length, so the mapping grows in a second
 * step. */
static char *mapping_move_and_grow(void *from, size_t bytes, size_t size) {
    /* A refusal after the pages have moved would cost a copy, so test first whether `size` bytes
     * can be mapped. */
    if (!mapping_is_possible(size)) return NULL;
    char *moved = os_move_pages(from, bytes);
    if (moved == NULL || size == bytes) return moved;
    char *grown = os_remap(moved, bytes, size);
    if (grown == NULL) {
        memcpy(from, moved, bytes);
        os_unmap(moved, bytes);
    }
    return grown;
}

void *mapping_move_in(void *from, size_t bytes, size_t size) {
    size_t page = os_page_size();
    /* The kernel moves whole pages only. */
    if (((uintptr_t)from | bytes) % page != 0 || !mapping_may_add()) return NULL;
    struct mapping_table *table = mapping_table_reserve();
    if (table == NULL) return NULL;
    size = round_up(size, page);
    char *block = mapping_move_and_grow(from, bytes, size);
    if (block == NULL) {
        mapping_table_unreserve(table);
        return NULL;
    }
    mapping_counts_add(&mapping_totals, size);
    mapping_table_place(table, block, block, size);
    return block;
}

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

size_t mapping_bytes(void) { return racy_load(size_t, &mapping_totals.bytes); }

struct mapping_counts mapping_count(void) {
    struct mapping_counts counts = {
        .count = __atomic_load_n(&mapping_totals.count, __ATOMIC_RELAXED),
        .bytes = __atomic_load_n(&mapping_totals.bytes, __ATOMIC_RELAXED),
        .count_max = __atomic_load_n(&mapping_totals.count_max, __ATOMIC_RELAXED),
        .bytes_max = __atomic_load_n(&mapping_totals.bytes_max, __ATOMIC_RELAXED),
    };
    for (unsigned i = 0; i < MAPPING_DOUBLINGS; i++)
        counts.of_doubling[i] = __atomic_load_n(&mapping_totals.of_doubling[i], __ATOMIC_RELAXED);
    return counts;
}

RARE void mapping_each(void (*call)(const struct mapping *mapping)) {
    struct mapping found;
    struct mapping_table *table = atomic_load_explicit(&mapping_tables, memory_order_acquire);
    for (; table != NULL; table = table->next)
        for (struct mapping_entry *entry = table->entries; entry < table->entries + table->capacity;
             entry++)
            if (mapping_entry_read(entry, &found)) call(&found);
}
