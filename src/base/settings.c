#include "base/settings.h"

#include "base/atomics.h"
#include "base/layout.h"
#include "base/numbers.h"

#define THRESHOLD_DEFAULT ((size_t)128 * KIB)
#define ADAPTED_MAX ((size_t)64 * MIB)

struct settings settings = {
    .mmap_threshold = THRESHOLD_DEFAULT,
    .mmap_max = 65536,
    .mxfast = SLOT_MAX,
    .tcache_max = SLOT_MAX,
    .tcache_count = SIZE_MAX,
    .quarantine = 8 * MIB,
    .frames = 16,
    .check_action = CHECK_REPORT | CHECK_ABORT,
    .leak_status = 23,
};

void settings_adapt_threshold(size_t freed_bytes) {
    size_t threshold = racy_load(size_t, &settings.mmap_threshold);
    if (settings.fixed_threshold || freed_bytes < threshold || freed_bytes > ADAPTED_MAX) return;
    /* Blocks of about this size are likely to be allocated again. */
    for (threshold = THRESHOLD_DEFAULT; threshold <= freed_bytes;) threshold *= 2;
    racy_store(&settings.mmap_threshold, min_size(threshold, ADAPTED_MAX + 1));
}
