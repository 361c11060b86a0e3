#include "stack/reach.h"

#include "base/atomics.h"
#include "base/numbers.h"
#include "os/os.h"
#include "os/os_auxv.h"
#include "stack/machine.h"

#define PROBE_STEP ((uintptr_t)4 * KIB) /* the smallest page size */
#define PROBE_FAR ((uintptr_t)16 * MIB) /* limit on the bytes that are probed at once */
#define PROBE_OVERFLOW ((uintptr_t)MIB) /* how far the stack pointer may be below its stack */

/* Bytes below the stack pointer in which an interrupted function may have saved data. */
#define RED_ZONE 128u

static uintptr_t reach_page_of(uintptr_t at) { return at & ~(PROBE_STEP - 1); }

static uintptr_t reach_lower_above(uintptr_t sp, uintptr_t a, uintptr_t b) {
    return a > sp && a < b ? a & ~(sizeof a - 1) : b;
}

static bool reach_is_readable(uintptr_t from, uintptr_t to) {
    for (; from < to; from += PROBE_STEP)
        if (!os_is_readable((const void *)from)) return false;
    return true;
}

static uintptr_t reach_high(const struct reach *reach) {
    return reach->low + reach->room + sizeof(uintptr_t) - 1;
}

static void reach_set_high(struct reach *reach, uintptr_t high) {
    reach->room = high - reach->low - (sizeof(uintptr_t) - 1);
}

static RARE void reach_move(struct reach *reach, uintptr_t sp) {
    uintptr_t page = reach_page_of(sp - RED_ZONE);
    reach->room = 0; /* a handler may jump out of here */
    signal_order();
    reach->thread = thread_pointer();
    reach->limit = reach_lower_above(sp, reach->thread, UINTPTR_MAX - PROBE_FAR);
    reach->limit = reach_lower_above(sp, os_auxv(AT_EXECFN), reach->limit);
    uintptr_t last = min_size(page + PROBE_OVERFLOW, reach->limit);
    while (page < last && !reach_is_readable(page, page + 1)) page += PROBE_STEP;
    if (page >= last) return;
    reach->low = page;
    signal_order();
    reach_set_high(reach, min_size(page + PROBE_STEP, reach->limit));
}

bool reach_enter_other(struct reach *reach, uintptr_t sp) {
    bool same = reach->thread == thread_pointer() && reach->room != 0;
    if (same && sp < reach->low && reach->low - sp < PROBE_FAR &&
        reach_is_readable(reach_page_of(sp), reach->low)) {
        uintptr_t high = reach_high(reach);
        reach->room = 0;
        signal_order();
        reach->low = reach_page_of(sp);
        signal_order();
        reach_set_high(reach, high);
        return true;
    }
    reach_move(reach, sp);
    return false;
}

RARE bool reach_extend(struct reach *reach, uintptr_t at) {
    uintptr_t high = reach_high(reach);
    if (reach->room == 0 || at < reach->low || at > reach->limit - sizeof at ||
        at + sizeof at - reach->low > high - reach->low + PROBE_FAR)
        return false;
    uintptr_t to = min_size(reach_page_of(at + sizeof at - 1) + PROBE_STEP, reach->limit);
    if (!reach_is_readable(high, to)) return false;
    reach_set_high(reach, to);
    return true;
}

bool reach_read(struct reach *reach, uintptr_t at, uintptr_t *word) {
    if (reach_covers(reach, at)) {
        *word = stack_word(at);
        return true;
    }
    return os_read_memory((const void *)at, word, sizeof *word);
}
