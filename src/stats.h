/* Figures: counted from the state bytes when somebody asks, so that nothing is counted before. */
#ifndef MALLOW_STATS_H
#define MALLOW_STATS_H

#include "config.h"
#include "mapping.h"
#include "pages.h"
#include "size_class.h"

struct class_figures {
    size_t used, cached, free, fresh; /* slots */
};

struct figures {
    struct class_figures classes[CLASSES];
    size_t run_blocks, run_bytes;
    struct page_counts pages;
    struct mapping_counts mappings;
    size_t metadata;                /* bytes */
    size_t top_free;                /* bytes */
    size_t live_blocks, live_bytes; /* mappings excluded */
};

void stats_read(struct figures *figures);

/* Exact counts of calls, when settings.count_calls. class: CLASSES for what is no slot. */
void stats_count_alloc(unsigned class, size_t bytes);
void stats_count_free(size_t bytes);
void stats_count_resize(size_t before, size_t after);

struct call_counts {
    uint64_t allocs[CLASSES + 1], frees;
    size_t live_bytes, peak_bytes;
};
struct call_counts stats_calls(void);

#endif
