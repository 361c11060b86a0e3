#include "guard/guard_pace.h"

#include <stdint.h>

#include "base/atomics.h"
#include "os/os.h"

#define GUARD_PACE_STEP ((int64_t)1000000) /* ns between two blocks */

/* No block is guarded before this time, and each guarded block moves it on by a step. If it is
 * further in the past than a burst, it counts as a burst ago, so that no more unused time is saved
 * up. */
static int64_t guard_pace_end;

bool guard_pace_allows(size_t one_in) {
    if (one_in < GUARD_PACE_FROM) return true;
    int64_t now = os_coarse_ns(), earliest = now - GUARD_PACE_BURST * GUARD_PACE_STEP;
    int64_t end = racy_load(int64_t, &guard_pace_end);
    if (end > now) return false;
    racy_store(&guard_pace_end, (end < earliest ? earliest : end) + GUARD_PACE_STEP);
    return true;
}
