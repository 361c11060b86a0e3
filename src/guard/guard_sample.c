#include "guard/guard_sample.h"

#include "base/assert.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "os/os.h"

/* The intervals are uniform over 1 to 2N - 1, so their mean is N. */
static size_t guard_sample_draw(struct sample_countdown *sample) {
    MALLOW_ASSERT(settings.guard != 0);
    sample->random ^= sample->random << 13;
    sample->random ^= sample->random >> 7;
    sample->random ^= sample->random << 17;
    return sample->random % (2 * min_size(settings.guard, SIZE_MAX / 4) - 1) + 1;
}

bool guard_sample_due(struct sample_countdown *sample, size_t passed) {
    if (settings.guard == 0) return false;
    if (sample->random == 0) {
        sample->random = os_random() | 1;
        sample->left = guard_sample_draw(sample);
    }
    if (passed < sample->left) {
        sample->left -= passed;
        return false;
    }
    /* Allocations beyond the one that was due count towards the next interval. */
    size_t beyond = passed - sample->left, interval = guard_sample_draw(sample);
    sample->left = interval > beyond ? interval - beyond : 1;
    return true;
}
