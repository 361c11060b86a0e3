#include "top/top_history.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

void top_history_add(struct top_history *history, struct top_moment moment) {
    if (history->ring == NULL) history->ring = xcalloc(TOP_HISTORY_MOMENTS, sizeof moment);
    history->ring[history->end] = moment;
    history->end = (history->end + 1) % TOP_HISTORY_MOMENTS;
    if (history->count < TOP_HISTORY_MOMENTS) history->count++;
}

/* Returns the moment with that age in moments; 0 is the newest. */
static const struct top_moment *top_history_at(const struct top_history *history, size_t age) {
    return &history->ring[(history->end + TOP_HISTORY_MOMENTS - 1 - age) % TOP_HISTORY_MOMENTS];
}

void top_history_columns(const struct top_history *history, int64_t now, int64_t step,
                         struct top_moment *columns, size_t count) {
    int64_t newest = now / step;
    memset(columns, 0, count * sizeof *columns);
    for (size_t age = 0; age < history->count; age++) {
        const struct top_moment *moment = top_history_at(history, age);
        int64_t back = newest - moment->time / step;
        if (back < 0) back = 0;
        /* The first moment before the columns is what the oldest of them begin with. */
        size_t column = (size_t)back < count ? count - 1 - (size_t)back : 0;
        if (columns[column].time == 0) columns[column] = *moment;
        if ((size_t)back >= count) break;
    }
    for (size_t i = 1; i < count; i++)
        if (columns[i].time == 0) columns[i] = columns[i - 1];
}

void top_history_free(struct top_history *history) {
    free(history->ring);
    *history = (struct top_history){.ring = NULL};
}
