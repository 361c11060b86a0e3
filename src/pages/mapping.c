#include "pages/mapping.h"

#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "os/os.h"
#include "pages/mapping_place.h"
#include "pages/space.h"

#define HUGE_MINIMUM ((size_t)2 * MIB) /* bytes of a mapping that may have huge pages */

/* With a gap, each block is a mapping of its own for the kernel, which otherwise merges neighbours.
 * When this many blocks exist, an eighth of the mappings that it allows by default, those that
 * follow have no gap. */
#define GAPS_MAX ((size_t)8192)

static struct mapping_counts mapping_totals;

static bool mapping_may_add(void) {
    return racy_load(size_t, &mapping_totals.count) < settings.mmap_max;
}

/* A block is counted before its entry appears and until after it is gone, so the count is never
 * less than the number of entries. */
static bool mapping_add(char *block, char *start, size_t bytes) {
    struct mapping_table *table = mapping_table_reserve();
    if (table == NULL) return false;
    mapping_counts_add(&mapping_totals, bytes);
    mapping_table_place(table, block, start, bytes);
    return true;
}

/* The kernel may give the addresses of an unmapped block to another thread. ThreadSanitizer cannot
 * see that the unmapping comes first, so both sides declare it with this variable. */
static char mapping_order __attribute__((unused));

static bool mapping_may_leave_gap(void) {
    return racy_load(size_t, &mapping_totals.count) < GAPS_MAX;
}

/* Maps `bytes` bytes wherever the kernel chooses, and unmaps what the alignment and the gap do not
 * leave to the block. An end that the kernel does not unmap stays part of the mapping. */
static char *mapping_map_anywhere(char **start, size_t *bytes, size_t align, size_t gap) {
    size_t page = os_page_size(), lead = align > page ? align - page : 0;
    *start = os_map(*bytes + lead + gap);
    if (*start == NULL) return NULL;
    char *block = (char *)round_up((uintptr_t)*start, max_size(align, page)), *end = block + *bytes;
    size_t front = (size_t)(block - *start), back = lead - front + gap;
    if (front != 0 && os_unmap(*start, front)) *start = block;
    if (back != 0 && !os_unmap(end, back)) end += back;
    *bytes = (size_t)(end - *start);
    return block;
}

/* Maps a block with a gap after it, or without a gap if that is refused. */
static char *mapping_map(char **start, size_t *bytes, size_t align) {
    size_t page = os_page_size();
    if (!mapping_may_leave_gap()) return mapping_map_anywhere(start, bytes, align, 0);
    /* The kernel, too, aligns blocks that whole huge pages can fill. */
    size_t place_align = max_size(align, *bytes % HUGE_MINIMUM == 0 ? HUGE_MINIMUM : page);
    enum os_extended extended = mapping_place_map(start, *bytes, place_align);
    if (extended == OS_EXTEND_OCCUPIED) return mapping_map_anywhere(start, bytes, align, page);
    return extended == OS_EXTENDED ? *start : NULL;
}

void *mapping_alloc_always(size_t bytes, size_t align) {
    MALLOW_ASSERT(align != 0 && (align & (align - 1)) == 0);
    size_t page = os_page_size();
    if (bytes > (size_t)PTRDIFF_MAX / 2 || align > (size_t)PTRDIFF_MAX / 4) return NULL;
    bytes = round_up(bytes, page);
    char *start, *block = mapping_map(&start, &bytes, align);
    sanitizer_acquire(&mapping_order);
    if (block == NULL) return NULL;
    if (space.huge_pages && bytes >= HUGE_MINIMUM) os_advise_huge(start, bytes);
    if (mapping_add(block, start, bytes)) return block;
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

bool mapping_take_out(void *block, struct mapping *gone) {
    struct mapping_entry *entry = mapping_table_find(block);
    if (entry == NULL || !mapping_entry_read(entry, gone) || !mapping_entry_remove(entry, block))
        return false;
    mapping_counts_remove(&mapping_totals, gone->bytes);
    sanitizer_release(&mapping_order);
    return true;
}

void mapping_unmap(const struct mapping *gone) {
    /* If the kernel refuses at max_map_count, at least the memory goes back. */
    if (!os_unmap(gone->start, gone->bytes)) os_purge(gone->start, gone->bytes);
}

bool mapping_free(void *block) {
    struct mapping gone;
    if (!mapping_take_out(block, &gone)) return false;
    settings_adapt_threshold(gone.bytes);
    mapping_unmap(&gone);
    return true;
}

/* Grows a mapping to *bytes bytes or a little more, with a gap after it. It grows in place if at
 * least a page remains of its gap. Returns NULL if that is refused. */
static char *mapping_grow(char *block, size_t before, size_t *bytes) {
    size_t page = os_page_size();
    if (mapping_place_contains(block) && os_remap_in_place(block, before, *bytes + page)) {
        if (!os_unmap(block + *bytes, page)) *bytes += page;
        return block;
    }
    return mapping_place_move(block, before, *bytes);
}

static char *mapping_extend(char *block, size_t before, size_t *bytes) {
    bool gap = *bytes > before && mapping_may_leave_gap();
    char *grown = gap ? mapping_grow(block, before, bytes) : NULL;
    return grown != NULL ? grown : os_remap(block, before, *bytes);
}

/* Resizes a mapping that begins with the block, or returns NULL. A block that has moved needs an
 * entry, so one is reserved before the move. */
static void *mapping_remap(struct mapping_entry *entry, char *block, size_t bytes) {
    struct mapping_table *table = mapping_table_reserve();
    if (table == NULL) return NULL;
    size_t before = mapping_entry_begin_move(entry, block);
    if (before == 0) {
        mapping_table_unreserve(table);
        return NULL;
    }
    char *moved = mapping_extend(block, before, &bytes);
    mapping_entry_end_move(entry, table, block, moved, bytes);
    if (moved == NULL) return NULL;
    mapping_counts_add(&mapping_totals, bytes);
    mapping_counts_remove(&mapping_totals, before);
    return moved;
}

void *mapping_resize(void *block, size_t bytes) {
    MALLOW_ASSERT(bytes != 0);
    struct mapping_entry *entry = mapping_table_find(block);
    struct mapping found;
    if (entry == NULL || !mapping_entry_read(entry, &found) || found.start != block) return NULL;
    return mapping_remap(entry, block, round_up(bytes, os_page_size()));
}

bool mapping_is_possible(size_t bytes) {
    void *start = os_map(bytes);
    return start != NULL && os_unmap(start, bytes);
}

/* The kernel moves pages only onto a mapping of the same length, so the mapping grows in a second
 * step. */
static char *mapping_move_and_grow(void *from, size_t bytes, size_t *size) {
    /* A refusal after the pages have moved would cost a copy, so test first whether `size` bytes
     * can be mapped. */
    if (!mapping_is_possible(*size)) return NULL;
    char *moved = os_move_pages(from, bytes);
    if (moved == NULL || *size == bytes) return moved;
    char *grown = mapping_extend(moved, bytes, size);
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
    char *block = mapping_move_and_grow(from, bytes, &size);
    if (block == NULL) {
        mapping_table_unreserve(table);
        return NULL;
    }
    mapping_counts_add(&mapping_totals, size);
    mapping_table_place(table, block, block, size);
    return block;
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
