#include "reach.h"

#include <sys/auxv.h>

#include "machine.h"
#include "os.h"

#define PROBE_STEP ((uintptr_t)4 * KIB) /* no page is smaller */
#define PROBE_FAR ((uintptr_t)16 * MIB) /* as much is asked for at once at most */

static uintptr_t stack_page(uintptr_t at) { return at & ~(PROBE_STEP - 1); }

static uintptr_t lower_above(uintptr_t sp, uintptr_t a, uintptr_t b) {
    return a > sp && a < b ? a & ~(sizeof a - 1) : b;
}

static RARE void move_reach(struct reach *reach, uintptr_t sp) {
    reach->high = reach->low = 0;
    signal_order();
    reach->thread = thread_pointer();
    reach->limit = lower_above(sp, reach->thread, UINTPTR_MAX);
    reach->limit = lower_above(sp, getauxval(AT_EXECFN), reach->limit);
    reach->low = stack_page(sp);
    signal_order();
    reach->high = min_size(stack_page(sp) + PROBE_STEP, reach->limit);
}

static bool readable(uintptr_t from, uintptr_t to) {
    for (; from < to; from += PROBE_STEP)
        if (!os_is_readable((const void *)from)) return false;
    return true;
}

bool reach_enter(struct reach *reach, uintptr_t sp) {
    bool same = reach->thread == thread_pointer();
    if (likely(same && reach_has(reach, sp))) return true;
    if (same && sp < reach->low && reach->low - sp < PROBE_FAR &&
        readable(stack_page(sp), reach->low)) {
        reach->low = stack_page(sp);
        return true;
    }
    move_reach(reach, sp);
    return false;
}

RARE bool reach_extend(struct reach *reach, uintptr_t at) {
    if (at < reach->low || at > reach->limit - sizeof at ||
        at - reach->high > PROBE_FAR + PROBE_STEP)
        return false;
    uintptr_t to = min_size(stack_page(at + sizeof at - 1) + PROBE_STEP, reach->limit);
    if (!readable(reach->high, to)) return false;
    reach->high = to;
    return true;
}

bool reach_read(struct reach *reach, uintptr_t at, uintptr_t *word) {
    if (reach_covers(reach, at)) {
        *word = stack_word(at);
        return true;
    }
    return os_read_memory((const void *)at, word, sizeof *word);
}
