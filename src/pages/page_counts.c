#include "pages/page_counts.h"

#include <stdatomic.h>

#include "base/layout.h"

/* Granule 0 stays unused, so that page 0 means none. */
struct page_counts page_counts = {.top = GRANULE_PAGES};

static _Atomic uint64_t page_counts_purged_bytes;

void page_counts_add_purged(size_t bytes) {
    atomic_fetch_add_explicit(&page_counts_purged_bytes, bytes, memory_order_relaxed);
}

uint64_t page_counts_purged(void) {
    return atomic_load_explicit(&page_counts_purged_bytes, memory_order_relaxed);
}
