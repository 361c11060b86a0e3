#include "guard/guard_range.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "guard/guard_record.h"
#include "os/os.h"
#include "pages/mapping.h"

#define RANGE_TRIES 8
#define BEGIN_EVERY 256u /* after address space was refused, one call in this many tries again */
#define RANGE_SMALLEST MIB
#define RECORDS_MAX ((uint32_t)1 << 20) /* they take 64 MiB */

/* The minimum and maximum bytes of a step in which the range is mapped. */
#define RANGE_STEP_MIN (4 * MIB)
#define RANGE_STEP_MAX GIB

/* The share of a limited address space (RLIMIT_AS) that the range may take. */
#define ADDRESS_SHARE 4u

UNTOUCHED struct guard_range guard_range;

/* Computes the sizes of a range whose blocks have `bytes` bytes of pages. */
static void guard_range_measure(size_t bytes, enum growth by) {
    guard_range.shift = (unsigned)__builtin_ctzl(os_page_size());
    size_t count = bytes >> guard_range.shift;
    guard_range.count_max = (uint32_t)min_size(count / 2, RECORDS_MAX);
    size_t record_bytes = (guard_range.count_max + 1) * sizeof *guard_range.record;
    guard_range.pages = (struct part){.limit = bytes, .by = by};
    guard_range.index =
        (struct part){.limit = round_up(count * sizeof *guard_range.owner, GRANULE), .by = by};
    guard_range.records = (struct part){.limit = round_up(record_bytes, GRANULE), .by = by};
    guard_range.bytes = bytes;
}

static size_t guard_range_own_bytes(size_t bytes) {
    guard_range_measure(bytes, GROW_MAPPED);
    return guard_range.index.limit + guard_range.records.limit;
}

/* `own` has room for guard_range_own_bytes(bytes). */
static void guard_range_lay_out(char *pages, char *own, size_t bytes, enum growth by) {
    guard_range_measure(bytes, by);
    guard_range.pages.start = pages;
    guard_range.index.start = own;
    guard_range.records.start = own + guard_range.index.limit;
    guard_range.owner = (uint32_t *)guard_range.index.start;
    guard_range.record = (struct guard_record *)guard_range.records.start;
}

static bool guard_range_grow(struct part *part, size_t bytes) {
    if (bytes <= part->accessible) return true;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    bool grown = part_grow(part, bytes);
    open_lock_drop(&global_lock, &hold);
    return grown;
}

bool guard_range_reach(size_t end, size_t pages) {
    MALLOW_ASSERT(pages <= end);
    struct part *part = &guard_range.pages;
    size_t have = part->accessible, need = end << guard_range.shift;
    size_t bytes = pages << guard_range.shift, index = end * sizeof *guard_range.owner;
    if (need <= have) return guard_range_grow(&guard_range.index, index);
    size_t allowed = min_size(part->limit, os_address_limit() / ADDRESS_SHARE & ~(GRANULE - 1));
    /* Do not reserve address space for a block whose memory the kernel refuses. */
    if (bytes >= RANGE_STEP_MIN && !mapping_is_possible(bytes)) return false;
    size_t step = max_size(RANGE_STEP_MIN, min_size(have / 4, RANGE_STEP_MAX));
    size_t want = min_size(round_up(max_size(need, have + step), GRANULE), allowed);
    if (need > want || !guard_range_grow(&guard_range.index, index)) return false;
    part->asked_for = want;
    if (!os_reserve_at(part->start + have, want - have)) {
        part->asked_for = want = need;
        if (!os_reserve_at(part->start + have, want - have)) return part->asked_for = have, false;
    }
    part->accessible = want;
    return true;
}

bool guard_range_reach_record(uint32_t n) {
    return guard_range_grow(&guard_range.records, ((size_t)n + 1) * sizeof *guard_range.record);
}

static bool guard_range_begin_parts(void) {
    if (guard_range_reach(2, 0) &&
        guard_range_grow(&guard_range.records, 2 * sizeof *guard_range.record))
        return true;
    part_undo(&guard_range.pages);
    part_undo(&guard_range.index);
    part_undo(&guard_range.records);
    return false;
}

static bool guard_range_is_apart(const char *a, size_t a_bytes, const char *b, size_t b_bytes) {
    return a + a_bytes <= b || b + b_bytes <= a;
}

/* An address is attributed to the range that contains it, so no range may overlap another one or
 * grow into it. */
static bool guard_range_choose(size_t bytes) {
    if (sizeof(void *) < 8) return false;
    size_t own_bytes = guard_range_own_bytes(bytes);
    for (int i = 0; i < RANGE_TRIES; i++) {
        char *pages = space_random_place(), *own = space_random_place();
        if (!space_is_apart(pages, bytes) || !space_is_apart(own, own_bytes) ||
            !guard_range_is_apart(pages, bytes, own, own_bytes))
            continue;
        guard_range_lay_out(pages, own, bytes, GROW_MAPPED);
        if (guard_range_begin_parts()) return true;
    }
    return false;
}

/* Reserves the largest range that the kernel grants, all at once. */
static bool guard_range_reserve(size_t bytes) {
    for (; bytes >= RANGE_SMALLEST; bytes = bytes / 2 & ~(GRANULE - 1)) {
        size_t own = guard_range_own_bytes(bytes);
        char *start = os_reserve(own + bytes);
        if (start == NULL) continue;
        guard_range_lay_out(start + own, start, bytes, GROW_COMMITTED);
        guard_range.pages.accessible = bytes;
        if (guard_range_begin_parts()) return true;
        os_unmap(start, own + bytes);
    }
    return false;
}

RARE bool guard_range_begin(size_t bytes) {
    open_lock_assert_held(&guard_lock);
    if (guard_range.base != NULL) return true;
    if (!space_start()) return false; /* the heap's range is chosen first */
    if (guard_range.begun++ % BEGIN_EVERY != 0) return false;
    size_t most = (size_t)1 << (os_address_bits() - 5);
    bytes = round_up(min_size(bytes, most), GRANULE);
    if (!guard_range_choose(bytes) && !guard_range_reserve(bytes)) return false;
    __atomic_store_n(&guard_range.base, guard_range.pages.start, __ATOMIC_RELEASE);
    return true;
}

bool guard_range_contains(const void *p) {
    const char *base = __atomic_load_n(&guard_range.base, __ATOMIC_ACQUIRE);
    return base != NULL && (uintptr_t)p - (uintptr_t)base < guard_range.bytes;
}

size_t guard_range_pages(void) { return guard_range.bytes >> guard_range.shift; }

size_t guard_range_page_of(const void *p) {
    return ((uintptr_t)p - (uintptr_t)guard_range.base) >> guard_range.shift;
}

char *guard_range_page(uint32_t page) {
    return guard_range.base + ((size_t)page << guard_range.shift);
}

RARE void guard_range_repair(void) {
    part_repair(&guard_range.pages);
    part_repair(&guard_range.index);
    part_repair(&guard_range.records);
}

RARE bool guard_range_bounds(enum guard_part part, uintptr_t *start, uintptr_t *end) {
    const struct part *found = part == GUARD_PAGES   ? &guard_range.pages
                               : part == GUARD_INDEX ? &guard_range.index
                                                     : &guard_range.records;
    *start = (uintptr_t)found->start;
    *end = *start + found->accessible;
    return found->accessible != 0;
}

RARE void guard_range_each_part(void (*call)(uintptr_t start, uintptr_t end)) {
    uintptr_t start, end;
    for (unsigned part = 0; part < GUARD_PARTS; part++)
        if (guard_range_bounds((enum guard_part)part, &start, &end)) call(start, end);
}
