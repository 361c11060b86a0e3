/* The table of threads. */
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "top/top_view.h"

enum {
    THREAD_ID,
    THREAD_STATE,
    THREAD_TIME,
    THREAD_LIVE,
    THREAD_ERROR,
    THREAD_BLOCKS,
    THREAD_OLDEST,
    THREAD_NAME,
    THREAD_COLUMNS,
};

static const struct top_column top_view_threads_columns[THREAD_COLUMNS] = {
    [THREAD_ID] = {"TID", 8, 0, true, false, false},
    [THREAD_STATE] = {"S", 1, 40, true, false, true},
    [THREAD_TIME] = {"CPU", 6, 50, false, false, true},
    [THREAD_LIVE] = {"LIVE", 6, 0, false, false, false},
    [THREAD_ERROR] = {"+-", 6, 0, false, false, false},
    [THREAD_BLOCKS] = {"BLOCKS", 6, 50, false, false, false},
    [THREAD_OLDEST] = {"OLDEST", 6, 60, false, false, false},
    [THREAD_NAME] = {"NAME", 0, 0, true, true, false},
};

static size_t top_view_threads_count(const struct top *top) {
    return top->current == NULL ? 0 : top->current->threads.count;
}

static const struct top_thread *top_view_threads_at(const struct top *top, size_t row) {
    return &top->current->threads.list[row];
}

/* The samples can be newer than the threads. */
static const struct top_holder *top_view_threads_holder(const struct top *top, size_t row) {
    static const struct top_holder none;
    const struct top_sites *sites = &top->current->sites;
    const struct top_thread *thread = top_view_threads_at(top, row);
    uint32_t index = index_map_find(&sites->holder_numbers, (uint64_t)thread->tid);
    return index == 0 ? &none : &sites->holders[index - 1];
}

static double top_view_threads_value(const struct top *top, size_t row, int column) {
    const struct top_thread *thread = top_view_threads_at(top, row);
    const struct top_holder *holder = top_view_threads_holder(top, row);
    uint64_t now = top->current->sites.now;
    switch (column) {
    case THREAD_ID:
        return thread->tid;
    case THREAD_STATE:
        return thread->state;
    case THREAD_TIME:
        return thread->seconds;
    case THREAD_ERROR:
        return holder->live.variance;
    case THREAD_BLOCKS:
        return holder->live.blocks;
    case THREAD_OLDEST:
        return holder->live.samples > 0 && holder->oldest < now
                   ? (double)(now - holder->oldest) / 1e9
                   : 0;
    default:
        return holder->live.bytes;
    }
}

static struct top_text top_view_threads_cell(const struct top *top, size_t row, int column) {
    const struct top_thread *thread = top_view_threads_at(top, row);
    const struct top_holder *holder = top_view_threads_holder(top, row);
    double value = top_view_threads_value(top, row, column);
    struct top_text text = {""};
    switch (column) {
    case THREAD_ID:
        snprintf(text.text, sizeof text.text, "%d", (int)thread->tid);
        return text;
    case THREAD_STATE:
        text.text[0] = thread->state;
        return text;
    case THREAD_TIME:
        if (thread->state == '-') return text;
        return top_text_seconds(value);
    case THREAD_LIVE:
        if (top->current->sampling != SAMPLING_ON) return (struct top_text){"-"};
        return top_text_bytes(value);
    case THREAD_ERROR:
        return top_text_error(holder->live.bytes, holder->live.variance);
    case THREAD_BLOCKS:
        if (top->current->sampling != SAMPLING_ON) return (struct top_text){"-"};
        return top_text_count(value);
    default:
        return holder->live.samples == 0 ? text : top_text_seconds(value);
    }
}

static char *top_view_threads_name(const struct top *top, size_t row) {
    const struct top_thread *thread = top_view_threads_at(top, row);
    return xasprintf("%s%s", thread->name, thread->state == '-' ? " (ended)" : "");
}

static enum top_style top_view_threads_style(const struct top *top, size_t row) {
    return top_view_threads_at(top, row)->state == '-' ? STYLE_DIM : STYLE_PLAIN;
}

/* Rows that are not shown have the state and the time of when they last were. */
static void top_view_threads_prepare(struct top *top, const size_t *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct top_thread *thread = &top->current->threads.list[rows[i]];
        if (!top->is_paused || thread->state == '?') top_threads_read(top->current, thread);
    }
}

const struct top_table top_view_threads = {
    .columns = top_view_threads_columns,
    .column_count = THREAD_COLUMNS,
    .order = THREAD_LIVE,
    .count = top_view_threads_count,
    .value = top_view_threads_value,
    .cell = top_view_threads_cell,
    .name = top_view_threads_name,
    .style = top_view_threads_style,
    .prepare = top_view_threads_prepare,
};
