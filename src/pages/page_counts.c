#include "pages/page_counts.h"

#include <stdatomic.h>

#include "base/layout.h"

struct page_counts page_counts = {.top = GRANULE_PAGES}; /* granule 0 stays unused: 0 is none */

static _Atomic uint64_t page_counts_purged_bytes;

void page_counts_add_purged(size_t bytes) {
    atomic_fetch_add_explicit(&page_counts_purged_bytes, bytes, memory_order_relaxed);
}

uint64_t page_counts_purged(void) {
    return atomic_load_explicit(&page_counts_purged_bytes, memory_order_relaxed);
}
