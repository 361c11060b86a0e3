#include "pages/purge_window.h"

#include <stdatomic.h>

#include "base/numbers.h"

#define TICK_NS 200000000ll
#define TICKS 3

struct purge_tick {
    size_t lowest_dirty;
    size_t highest_used;
};

static struct {
    _Atomic int64_t tick_end;
    struct purge_tick now;
    struct purge_tick last[TICKS]; /* complete ticks, a ring */
    unsigned next;
} purge_window;

void purge_window_note_dirty(size_t dirty) {
    purge_window.now.lowest_dirty = min_size(purge_window.now.lowest_dirty, dirty);
}

void purge_window_note_used(size_t in_use) {
    purge_window.now.highest_used = max_size(purge_window.now.highest_used, in_use);
}

bool purge_window_tick_is_over(int64_t now) {
    return now >= atomic_load_explicit(&purge_window.tick_end, memory_order_relaxed);
}

/* Without calls, a tick lasts longer and counts as several. */
void purge_window_next_tick(int64_t now, size_t dirty, size_t in_use) {
    int64_t end = atomic_load_explicit(&purge_window.tick_end, memory_order_relaxed);
    purge_window_note_dirty(dirty);
    purge_window_note_used(in_use);
    for (int64_t ticks = 1 + (now - end) / TICK_NS, i = 0; i < ticks && i < TICKS; i++) {
        purge_window.last[purge_window.next] = purge_window.now;
        purge_window.next = (purge_window.next + 1) % TICKS;
    }
    purge_window.now = (struct purge_tick){dirty, in_use};
    atomic_store_explicit(&purge_window.tick_end, now + TICK_NS, memory_order_relaxed);
}

size_t purge_window_unused(void) {
    size_t lowest = SIZE_MAX;
    for (unsigned i = 0; i < TICKS; i++)
        lowest = min_size(lowest, purge_window.last[i].lowest_dirty);
    return lowest;
}

size_t purge_window_peak(void) {
    size_t highest = purge_window.now.highest_used;
    for (unsigned i = 0; i < TICKS; i++)
        highest = max_size(highest, purge_window.last[i].highest_used);
    return highest;
}
