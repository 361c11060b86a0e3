#include "guard/guard_pages.h"

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "guard/guard_range.h"
#include "os/os.h"

/* Marks take 8 bytes of the kernel's tables a page, and accessible pages count towards limits, so a
 * larger range has none. */
#define MARKED_PAGES_MAX ((size_t)16384)
#define MARK_STEP 128u /* pages that are marked at once; a call marks one in 20 to 40 ns */

static UNTOUCHED struct {
    uint32_t tried;  /* no page from this one on has a mark */
    uint32_t marked; /* all pages before this one are accessible or have marks */
    bool extending;  /* the pages from `marked` to `tried` are being marked */
    bool refused;    /* no more pages get marks */
    bool mixed;      /* some pages before `marked` have no access, because a mark was refused */
} guard_pages;

bool guard_pages_have_marks(uint32_t page) { return page < guard_pages.tried; }

static size_t guard_pages_bytes(uint32_t pages) { return (size_t)pages << guard_range.shift; }

/* RLIMIT_DATA limits private writable memory, with or without marks. */
static bool guard_pages_may_have_marks(void) {
    return guard_range_pages() <= MARKED_PAGES_MAX && os_data_limit() == SIZE_MAX;
}

/* Pages get their marks before they become accessible. Some emulators ignore advice that they do
 * not know, so the first mark is also tried. */
static bool guard_pages_mark(char *start, size_t bytes, bool first) {
    return os_mark(start, bytes) && os_commit(start, bytes) && !(first && os_is_readable(start));
}

/* Removes the marks that pages from `marked` to `tried` may have. If that is impossible, no more
 * pages get marks. */
static void guard_pages_undo(void) {
    char *start = guard_range_page(guard_pages.marked);
    size_t bytes = guard_pages_bytes(guard_pages.tried - guard_pages.marked);
    if (os_discard(start, bytes)) {
        guard_pages.tried = guard_pages.marked;
    } else {
        guard_pages.refused = true;
        os_protect(start, bytes);
    }
}

/* Marks the pages up to `end`, and some more, unless that is refused. */
static NOINLINE void guard_pages_extend(uint32_t end) {
    size_t reserved = guard_range.pages.accessible >> guard_range.shift;
    uint32_t from = guard_pages.marked;
    uint32_t to = (uint32_t)min_size(round_up(end, MARK_STEP), reserved);
    if (to <= from) return;
    if (from == 0 && !guard_pages_may_have_marks()) {
        guard_pages.refused = true;
        return;
    }
    guard_pages.extending = true;
    signal_order();
    guard_pages.tried = to;
    if (guard_pages_mark(guard_range_page(from), guard_pages_bytes(to - from), from == 0)) {
        guard_pages.marked = to;
    } else {
        guard_pages.refused = true;
        guard_pages_undo();
    }
    signal_order();
    guard_pages.extending = false;
}

RARE void guard_pages_repair(void) {
    if (!guard_pages.extending) return;
    if (guard_pages.tried > guard_pages.marked) guard_pages_undo();
    guard_pages.extending = false;
}

bool guard_pages_open(uint32_t first, uint32_t pages) {
    open_lock_assert_held(&guard_lock);
    uint32_t end = first + pages;
    if (end >= guard_pages.marked && !guard_pages.refused) guard_pages_extend(end + 1);
    if (pages == 0) return true;
    char *start = guard_range_page(first);
    size_t bytes = guard_pages_bytes(pages);
    bool has_access = end <= guard_pages.marked && !guard_pages.mixed;
    if (!has_access && !os_commit(start, bytes)) return false;
    return !guard_pages_have_marks(first) || os_unmark(start, bytes);
}

bool guard_pages_close(uint32_t first, uint32_t pages) {
    if (pages == 0) return true;
    char *start = guard_range_page(first);
    size_t bytes = guard_pages_bytes(pages);
    if (first + pages <= guard_pages.marked && !guard_pages.mixed && os_mark(start, bytes))
        return true;
    if (first < guard_pages.marked) guard_pages.mixed = true;
    if (os_discard(start, bytes)) return true;
    bool emptied = os_purge(start, bytes);
    os_protect(start, bytes);
    return emptied;
}
