#include "pages/part.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "os/os.h"

#define STEP_MIN ((size_t)256 * KIB)
#define STEP_MAX ((size_t)64 * MIB)

/* How far a foreign mapping may reach into the range. */
#define SKIP_MAX ((size_t)64 * GIB)

void part_undo(struct part *part) {
    if (part->accessible == 0 || part->by == GROW_COMMITTED) return;
    if (part->by == GROW_BREAK)
        os_break_move(part->start + part->accessible, part->start);
    else
        os_unmap(part->start, part->accessible);
}

void part_advise(const struct part *part, size_t from, size_t to) {
    if (part->huge_pages && to > from) os_advise_huge(part->start + from, to - from);
}

/* True if fresh pages are resident at once, as after mlockall(MCL_FUTURE). Pages that are mapped
 * ahead of need would then take memory and count against the limit on locked memory. To find this
 * out, an untouched page is purged: the kernel refuses that for locked pages, and otherwise nothing
 * changes. */
static bool part_fresh_is_locked;

size_t part_step(const struct part *part) {
    /* Steps grow with the part, so that a large heap takes few system calls. */
    if (part_fresh_is_locked) return STEP_MIN;
    return max_size(STEP_MIN, min_size(part->accessible / 4, STEP_MAX));
}

/* The break must be at the end of the part or, before the first step, in the granule before it. */
static bool part_extend_break(char *end, size_t bytes) {
    char *now = os_break();
    return now <= end && end - now < (ptrdiff_t)GRANULE && os_break_move(now, end + bytes);
}

/* Continues the part with mappings. */
static void part_follow_break(struct part *part) {
    if (part->by == GROW_BREAK) part->lowest = part->accessible;
    part->by = GROW_MAPPED;
}

static bool part_extend(struct part *part, size_t bytes) {
    MALLOW_ASSERT(bytes != 0 && bytes <= part->limit - part->accessible);
    char *end = part->start + part->accessible;
    if (part->by == GROW_COMMITTED) return os_commit(end, bytes);
    if (part->by == GROW_BREAK && part_extend_break(end, bytes)) return true;
    enum os_extended extended = os_extend(end, bytes);
    part->occupied = extended == OS_EXTEND_OCCUPIED;
    if (extended != OS_EXTENDED) return false;
    part_follow_break(part);
    return true;
}

bool part_grow_towards(struct part *part, size_t bytes, size_t wish) {
    if (bytes <= part->accessible) return true;
    if (bytes > part->limit) return false;
    MALLOW_ASSERT(part->accessible <= part->limit);
    MALLOW_ASSERT(part->lowest <= part->accessible);
    MALLOW_ASSERT(part->accessible % os_page_size() == 0);
    size_t before = part->accessible, need = round_up(bytes, os_page_size());
    size_t want = min_size(round_up(max_size(wish, bytes), GRANULE), part->limit);
    for (part->asked_for = want; !part_extend(part, want - before);) {
        part->asked_for = before;
        if (want == need) return false;
        part->asked_for = want = need;
    }
    MALLOW_ASSERT(want >= bytes && want <= part->limit);
    part->accessible = want;
    part_advise(part, before, want);
    if (want - before > STEP_MIN || part_fresh_is_locked)
        part_fresh_is_locked = !os_purge(part->start + want - os_page_size(), os_page_size());
    return true;
}

bool part_grow(struct part *part, size_t bytes) {
    return part_grow_towards(part, bytes, part->accessible + part_step(part));
}

bool part_adopt(struct part *part, char *start, size_t bytes, size_t kept) {
    MALLOW_ASSERT(kept != 0 && kept <= bytes);
    if (part->by != GROW_MAPPED || part_fresh_is_locked || kept > part->limit - part->accessible)
        return false;
    size_t before = part->accessible;
    /* The program may have protected pages of the block. */
    if (!os_unprotect(start, bytes)) return false;
    part->asked_for = before + kept;
    bool moved = os_remap_to(start, bytes, part->start + before, kept);
    if (moved) part->accessible = before + kept;
    part->asked_for = part->accessible;
    return moved;
}

bool part_give_back(struct part *part, char *start, size_t bytes) {
    switch (part->by) {
    case GROW_MAPPED:
        return os_unmap(start, bytes);
    case GROW_COMMITTED:
        return os_discard(start, bytes);
    case GROW_BREAK:
        return os_break_move(start + bytes, start);
    }
    return false;
}

bool part_shrink(struct part *part, size_t bytes) {
    size_t before = part->accessible, to = max_size(round_up(bytes, os_page_size()), part->lowest);
    MALLOW_ASSERT(part->asked_for <= part->limit);
    if (to >= before) return false;
    part->accessible = to; /* first: the child of a fork then finds an unfinished step */
    bool gone = part_give_back(part, part->start + to, before - to);
    if (!gone) part->accessible = before;
    part->asked_for = part->accessible;
    return gone;
}

RARE void part_repair(struct part *part) {
    if (part->asked_for <= part->accessible) return;
    if (part->by == GROW_MAPPED)
        os_unmap(part->start + part->accessible, part->asked_for - part->accessible);
    else if (part->by == GROW_BREAK && os_break() == part->start + part->asked_for)
        part->accessible = part->asked_for;
    part->asked_for = part->accessible;
}

/* Continues after memory that the program has added to its data segment. Returns the offset in the
 * part, or 0. */
static size_t part_pass_break(struct part *part, size_t bytes) {
    char *now = os_break(), *end = part->start + part->accessible;
    if (part->by != GROW_BREAK || now <= end) return 0;
    size_t next = round_up((size_t)(now - part->start), GRANULE);
    if (next > part->limit || bytes > part->limit - next) return 0;
    return os_break_move(now, part->start + next + bytes) ? next : 0;
}

/* Continues after a foreign mapping, if it ends within SKIP_MAX. Returns the offset in the part, or
 * 0. */
static size_t part_pass_mapping(struct part *part, size_t bytes) {
    if (part->by == GROW_COMMITTED || !part->occupied) return 0;
    for (size_t step = MIB; step <= SKIP_MAX; step *= 2) {
        size_t next = round_up(part->accessible + step, GRANULE);
        if (next > part->limit || bytes > part->limit - next) return 0;
        enum os_extended extended = os_extend(part->start + next, bytes);
        if (extended == OS_EXTEND_REFUSED) return 0;
        if (extended == OS_EXTEND_OCCUPIED) continue;
        part_follow_break(part);
        return next;
    }
    return 0;
}

size_t part_skip(struct part *part, size_t bytes) {
    size_t next = part_pass_break(part, bytes);
    if (next == 0) next = part_pass_mapping(part, bytes);
    if (next == 0) return 0;
    MALLOW_ASSERT(next > part->accessible);
    MALLOW_ASSERT(next + bytes <= part->limit);
    part->accessible = next + bytes;
    part_advise(part, next, part->accessible);
    return next;
}
