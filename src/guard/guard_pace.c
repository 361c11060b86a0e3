#include "guard/guard_pace.h"

#include <stdint.h>

#include "base/atomics.h"
#include "os/os.h"

#define GUARD_PACE_STEP ((int64_t)1000000) /* ns between two blocks */

/* When the blocks that were guarded would end if they were a step apart. It lies in the past by at
 * most a burst, so unused time is not saved up for longer, and in the future if there were too
 * many.
 */
static int64_t guard_pace_end;

bool guard_pace_allows(size_t one_in) {
    if (one_in < GUARD_PACE_FROM) return true;
    int64_t now = os_coarse_ns(), earliest = now - GUARD_PACE_BURST * GUARD_PACE_STEP;
    int64_t end = racy_load(int64_t, &guard_pace_end);
    if (end > now) return false;
    racy_store(&guard_pace_end, (end < earliest ? earliest : end) + GUARD_PACE_STEP);
    return true;
}
