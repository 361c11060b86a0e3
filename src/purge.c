#include "purge.h"

#include "os.h"
#include "pages.h"

#define TICK_NS 250000000ll
#define RETAIN_MINIMUM ((size_t)4 * MIB)
#define BURST_MAX \
    ((size_t)128 * MIB >> RUN_SHIFT) /* pages kept within a tick, however few are used */
#define SLICE                                                                          \
    ((size_t)8 * MIB >> RUN_SHIFT) /* pages returned by one call, which holds the lock \
                                    */

static size_t retain_bytes = SIZE_MAX;
static size_t trim_threshold;

static struct {
    int64_t tick_end;
    size_t lowest_dirty; /* the fewest dirty pages during this tick */
} window;

void purge_set_retain(size_t bytes) { retain_bytes = bytes; }
void purge_set_trim_threshold(size_t bytes) { trim_threshold = bytes; }

static size_t budget_pages(const struct page_counts *now) {
    if (retain_bytes != SIZE_MAX) return retain_bytes >> RUN_SHIFT;
    size_t least = max_size(RETAIN_MINIMUM, trim_threshold) >> RUN_SHIFT;
    return max_size(least, now->used / 8);
}

void purge_after_free(void) {
    struct page_counts now = pages_count();
    size_t budget = budget_pages(&now);
    size_t bound = max_size(max_size(2 * budget, now.used), BURST_MAX);
    if (now.dirty > bound) {
        pages_purge(min_size(now.dirty - bound, SLICE));
        return; /* a slice is all that one call may do */
    }
    if (now.dirty <= budget && window.lowest_dirty <= budget) return;
    int64_t time = os_coarse_ns();
    if (time < window.tick_end) return;
    size_t unused = min_size(window.lowest_dirty, pages_count().dirty);
    if (unused > budget) pages_purge(min_size(unused - budget, SLICE));
    /* What is left of it goes with the next calls. */
    if (unused > budget + SLICE) {
        window.lowest_dirty = unused - SLICE;
        return;
    }
    window.tick_end = time + TICK_NS;
    window.lowest_dirty = pages_count().dirty;
}

void purge_after_alloc(size_t pages, bool clean) {
    struct page_counts now = pages_count();
    if (now.dirty < window.lowest_dirty) window.lowest_dirty = now.dirty;
    if (!clean) return;
    size_t allowance = max_size(2 * budget_pages(&now), now.used / 2);
    if (now.dirty > allowance) pages_purge(min_size(pages, now.dirty - allowance));
}
