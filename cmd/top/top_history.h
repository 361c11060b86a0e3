/* The curves of mallow top: figures of a process over time. */
#ifndef MALLOW_TOP_HISTORY_H
#define MALLOW_TOP_HISTORY_H

#include <stddef.h>
#include <stdint.h>

struct top_moment {
    int64_t time; /* clock_ms() */
    uint64_t live, resident;
    double rate; /* bytes allocated per second; negative: unknown */
};

#define TOP_HISTORY_MOMENTS 8192

/* Initialized to zero. Keeps the last moments. */
struct top_history {
    struct top_moment *ring;
    size_t end, count;
};

void top_history_add(struct top_history *history, struct top_moment moment);

/* Stores for each of `count` columns the last moment in it, the newest column last. A column is
 * `step` ms wide, and columns are aligned to multiples of it so that curves do not flicker. A
 * column without a moment has that of the column before it; one before the first moment has the
 * time 0. */
void top_history_columns(const struct top_history *history, int64_t now, int64_t step,
                         struct top_moment *columns, size_t count);

void top_history_free(struct top_history *history);

#endif
