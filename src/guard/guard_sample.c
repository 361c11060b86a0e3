#include "guard/guard_sample.h"

#include "base/atomics.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "os/os.h"

/* The intervals between guarded allocations are uniform over 1 to 2N - 1, so their mean is N. */
int64_t guard_sample_interval(uint64_t *random) {
    size_t one_in = racy_load(size_t, &settings.guard);
    if (one_in == 0) return INT64_MAX;
    uint64_t x = *random != 0 ? *random : os_random() | 1;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *random = x;
    return (int64_t)(x % (2 * min_size(one_in, SIZE_MAX / 4) - 1)) + 1;
}
