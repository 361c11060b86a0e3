#include "pages/mapping.h"

#include <stdatomic.h>
#include <string.h>

#include "os/lock.h"
#include "os/os.h"
#include "pages/meta.h"
#include "pages/space.h"
#include "process/settings.h"

#define MAPPING_REMOVED ((char *)1)
#define FIRST_CAPACITY 128u
#define HUGE_MINIMUM ((size_t)2 * MIB) /* bytes of a mapping that may have huge pages */

struct table {
    size_t capacity; /* a power of two */
    size_t filled;   /* slots that are not NULL */
    struct mapping slots[];
};

static struct table *_Atomic table;
static UNTOUCHED struct mapping_counts mapped;

/* Every mapping so far is in (lowest, highest). Neither bound is the address of a block, which to a
 * leak check would be a pointer to it. */
static char *lowest = (char *)UINTPTR_MAX, *highest;

static void widen_range(const struct mapping *new) {
    if (new->start <= lowest) racy_store(&lowest, new->start - 1);
    if (new->start + new->bytes > highest) racy_store(&highest, new->start + new->bytes);
}

bool mapping_may_hold(const void *p) {
    return (const char *)p > racy_load(char *, &lowest) &&
           (const char *)p < racy_load(char *, &highest);
}

static size_t table_slot(const char *block) {
    return (size_t)(((uintptr_t)block >> 12) * 0x9e3779b97f4a7c15ull >> 20);
}

static struct mapping *table_lookup(const char *block) {
    struct table *t = table;
    if (t == NULL || (uintptr_t)block <= (uintptr_t)MAPPING_REMOVED) return NULL;
    for (size_t i = table_slot(block);; i++) {
        struct mapping *slot = &t->slots[i & (t->capacity - 1)];
        if (slot->block == block) return slot;
        if (slot->block == NULL) return NULL;
    }
}

static void insert_into(struct table *t, struct mapping new) {
    widen_range(&new);
    for (size_t i = table_slot(new.block);; i++) {
        struct mapping *slot = &t->slots[i & (t->capacity - 1)];
        if ((uintptr_t)slot->block > (uintptr_t)MAPPING_REMOVED) continue;
        if (slot->block == NULL) t->filled++;
        racy_store(&slot->start, new.start);
        racy_store(&slot->bytes, new.bytes);
        atomic_store_explicit(&slot->block, new.block, memory_order_release);
        return;
    }
}

/* Makes sure that one more fits. Removed slots go when the table is copied. */
static bool make_room(void) {
    struct table *old = table;
    if (old != NULL && old->filled + 1 < old->capacity / 4 * 3) return true;
    size_t capacity = FIRST_CAPACITY;
    while (capacity / 2 < mapped.count + 1) capacity *= 2;
    size_t bytes = sizeof *old + capacity * sizeof old->slots[0];
    struct table *new = meta_alloc(bytes);
    if (new == NULL) return old != NULL && old->filled + 1 < old->capacity;
    memset(new, 0, bytes);
    new->capacity = capacity;
    for (size_t i = 0; old != NULL && i < old->capacity; i++)
        if ((uintptr_t)old->slots[i].block > (uintptr_t)MAPPING_REMOVED)
            insert_into(new, old->slots[i]);
    table = new;
    if (old != NULL) meta_free(old, sizeof *old + old->capacity * sizeof old->slots[0]);
    return true;
}

static unsigned doubling(size_t bytes) { return 63u - (unsigned)__builtin_clzl(bytes | 1); }

void mapping_count_in(struct mapping_counts *counts, size_t bytes) {
    counts->of_doubling[doubling(bytes)]++;
    racy_store(&counts->count, counts->count + 1);
    counts->bytes += bytes;
    counts->count_max = max_size(counts->count_max, counts->count);
    counts->bytes_max = max_size(counts->bytes_max, counts->bytes);
}

void mapping_count_out(struct mapping_counts *counts, size_t bytes) {
    counts->of_doubling[doubling(bytes)]--;
    racy_store(&counts->count, counts->count - 1);
    counts->bytes -= bytes;
}

static bool table_add(char *block, char *start, size_t bytes) {
    lock_take(&global_lock);
    bool room = mapped.count < settings.mmap_max && make_room();
    if (room) {
        insert_into(table, (struct mapping){block, start, bytes});
        mapping_count_in(&mapped, bytes);
    }
    lock_drop(&global_lock);
    return room;
}

void *mapping_alloc(size_t bytes, size_t align) {
    if (racy_load(size_t, &mapped.count) >= settings.mmap_max) return NULL;
    size_t page = os_page_size();
    size_t lead = align > page ? align - page : 0;
    if (bytes > (size_t)PTRDIFF_MAX - page - lead) return NULL;
    bytes = round_up(bytes, page);
    char *start = os_map(bytes + lead);
    if (start == NULL) return NULL;
    char *block = (char *)round_up((uintptr_t)start, max_size(align, page));
    size_t front = (size_t)(block - start), back = lead - front;
    /* What cannot be cut off stays part of the mapping. */
    if (front != 0 && os_unmap(start, front)) start = block;
    if (back != 0 && !os_unmap(block + bytes, back)) bytes += back;
    if (space.huge_pages && bytes >= HUGE_MINIMUM) os_advise_huge(block, bytes);
    bytes += (size_t)(block - start);
    if (table_add(block, start, bytes)) return block;
    os_unmap(start, bytes);
    return NULL;
}

size_t mapping_usable(const void *block) {
    lock_take(&global_lock);
    struct mapping *slot = table_lookup(block);
    size_t bytes = slot == NULL ? 0 : slot->bytes - (size_t)(slot->block - slot->start);
    lock_drop(&global_lock);
    return bytes;
}

bool mapping_free(void *block) {
    struct mapping gone = {.start = NULL};
    lock_take(&global_lock);
    struct mapping *slot = table_lookup(block);
    if (slot != NULL) {
        gone.start = slot->start;
        gone.bytes = slot->bytes;
        atomic_store_explicit(&slot->block, MAPPING_REMOVED, memory_order_relaxed);
        mapping_count_out(&mapped, gone.bytes);
        settings_adapt_threshold(gone.bytes);
    }
    lock_drop(&global_lock);
    if (slot == NULL) return false;
    /* Refused at max_map_count: then at least the memory goes back. */
    if (!os_unmap(gone.start, gone.bytes)) os_purge(gone.start, gone.bytes);
    return true;
}

void *mapping_resize(void *block, size_t bytes) {
    bytes = round_up(bytes, os_page_size());
    char *moved = NULL;
    lock_take(&global_lock);
    struct mapping *slot = table_lookup(block);
    if (slot != NULL && slot->start == slot->block && make_room()) {
        slot = table_lookup(block); /* the table may be another now */
        size_t before = slot->bytes;
        moved = os_remap(block, before, bytes);
        if (moved != NULL) {
            atomic_store_explicit(&slot->block, MAPPING_REMOVED, memory_order_relaxed);
            insert_into(table, (struct mapping){moved, moved, bytes});
            mapping_count_out(&mapped, before);
            mapping_count_in(&mapped, bytes);
        }
    }
    lock_drop(&global_lock);
    return moved;
}

bool mapping_is_possible(size_t bytes) {
    void *start = os_map(bytes);
    return start != NULL && os_unmap(start, bytes);
}

/* The kernel moves a whole mapping only, and one that is as long as what it takes the pages of. */
static char *move_and_grow(void *from, size_t bytes, size_t size) {
    /* A refusal after the pages were moved would cost a copy of them. */
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
    char *block = NULL;
    /* The kernel would take what shares a page with them along. */
    if (((uintptr_t)from | bytes) % page != 0) return NULL;
    size = round_up(size, page);
    lock_take(&global_lock);
    if (mapped.count < settings.mmap_max && make_room()) block = move_and_grow(from, bytes, size);
    if (block != NULL) {
        insert_into(table, (struct mapping){block, block, size});
        mapping_count_in(&mapped, size);
    }
    lock_drop(&global_lock);
    return block;
}

/*
 * Without the lock. An entry that changes while it is read is not that of a block which the caller
 * may use. A table that was copied meanwhile may hold anything by now, but can still be read: then
 * all that was found in it is forgotten. Each load acquires, so that the second looks are later.
 */
static bool entry_around(struct mapping *entry, const void *p, struct mapping *found) {
    char *block = atomic_load_explicit(&entry->block, memory_order_acquire);
    if ((uintptr_t)block <= (uintptr_t)MAPPING_REMOVED) return false;
    char *start = __atomic_load_n(&entry->start, __ATOMIC_ACQUIRE);
    size_t bytes = __atomic_load_n(&entry->bytes, __ATOMIC_ACQUIRE);
    if ((uintptr_t)p - (uintptr_t)start >= bytes) return false;
    if (atomic_load_explicit(&entry->block, memory_order_acquire) != block) return false;
    *found = (struct mapping){block, start, bytes};
    return true;
}

bool mapping_around(const void *p, struct mapping *found) {
    static size_t last; /* the entry is asked for again, most times */
    if (!mapping_may_hold(p)) return false;
    for (;;) {
        struct table *t = table;
        size_t capacity = __atomic_load_n(&t->capacity, __ATOMIC_ACQUIRE);
        if (t != table) continue;
        size_t at = racy_load(size_t, &last), end = at + capacity;
        while (at < end && !entry_around(&t->slots[at & (capacity - 1)], p, found)) at++;
        if (t != table) continue;
        if (at < end) racy_store(&last, at & (capacity - 1));
        return at < end;
    }
}

size_t mapping_bytes(void) { return mapped.bytes; }

struct mapping_counts mapping_count(void) {
    return mapped;
}

RARE void mapping_each(void (*call)(const struct mapping *mapping)) {
    struct table *t = table;
    for (size_t i = 0; t != NULL && i < t->capacity; i++)
        if ((uintptr_t)t->slots[i].block > (uintptr_t)MAPPING_REMOVED) call(&t->slots[i]);
}
