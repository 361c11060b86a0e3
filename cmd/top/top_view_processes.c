/* The table of processes. */
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "top/top_view.h"

enum {
    PROCESS_PID,
    PROCESS_LIVE,
    PROCESS_CHANGE,
    PROCESS_RESIDENT,
    PROCESS_RATE,
    PROCESS_ERROR,
    PROCESS_BLOCKS,
    PROCESS_PEAK,
    PROCESS_NAME,
    PROCESS_COLUMNS,
};

static const struct top_column top_view_processes_columns[PROCESS_COLUMNS] = {
    [PROCESS_PID] = {"PID", 7, 0, true, false, false},
    [PROCESS_LIVE] = {"LIVE", 6, 0, false, false, false},
    [PROCESS_CHANGE] = {"GROW/s", 7, 60, false, false, false},
    [PROCESS_RESIDENT] = {"RES", 6, 0, false, false, false},
    [PROCESS_RATE] = {"RATE/s", 6, 40, false, false, false},
    [PROCESS_ERROR] = {"+-", 6, 100, false, false, false},
    [PROCESS_BLOCKS] = {"BLOCKS", 6, 70, false, false, false},
    [PROCESS_PEAK] = {"PEAK", 6, 100, false, false, false},
    [PROCESS_NAME] = {"PROGRAM", 0, 0, true, true, false},
};

static size_t top_view_processes_count(const struct top *top) { return top->count; }

/* Hides processes that have not answered yet, because they may not run on Mallow. */
static bool top_view_processes_is_shown(const struct top *top, size_t row) {
    const struct top_process *process = top->list[row];
    return process->is_named || process->has_figures;
}

static double top_view_processes_value(const struct top *top, size_t row, int column) {
    const struct top_process *process = top->list[row];
    switch (column) {
    case PROCESS_PID:
        return process->pid;
    case PROCESS_CHANGE:
        return process->has_earlier ? top_change(process, top_live_bytes(&process->earlier),
                                                 top_live_bytes(&process->stats))
                                    : 0;
    case PROCESS_RESIDENT:
        return (double)process->resident;
    case PROCESS_RATE:
        return process->sites.total.rate;
    case PROCESS_ERROR:
        return process->sites.total.rate_variance;
    case PROCESS_BLOCKS:
        return (double)top_live_blocks(&process->stats);
    case PROCESS_PEAK:
        return (double)process->resident_peak;
    default:
        return (double)top_live_bytes(&process->stats);
    }
}

static struct top_text top_view_processes_cell(const struct top *top, size_t row, int column) {
    const struct top_process *process = top->list[row];
    double value = top_view_processes_value(top, row, column);
    struct top_text text;
    if (column == PROCESS_PID) {
        snprintf(text.text, sizeof text.text, "%d", (int)process->pid);
        return text;
    }
    if (!process->has_figures) return (struct top_text){"-"};
    if (column == PROCESS_RATE && !process->sites.has_rates) return (struct top_text){"-"};
    if (column == PROCESS_ERROR)
        return top_text_error(process->sites.total.rate, process->sites.total.rate_variance);
    if (column == PROCESS_CHANGE) return top_text_change(value);
    return column == PROCESS_BLOCKS ? top_text_count(value) : top_text_bytes(value);
}

static char *top_view_processes_name(const struct top *top, size_t row) {
    const struct top_process *process = top->list[row];
    const char *state = process->has_ended ? "(ended) " : process->does_answer ? "" : "(silent) ";
    return xasprintf("%s%s", state, process->program);
}

static enum top_style top_view_processes_style(const struct top *top, size_t row) {
    return top->list[row]->does_answer ? STYLE_PLAIN : STYLE_DIM;
}

const struct top_table top_view_processes = {
    .columns = top_view_processes_columns,
    .column_count = PROCESS_COLUMNS,
    .order = PROCESS_LIVE,
    .count = top_view_processes_count,
    .is_shown = top_view_processes_is_shown,
    .value = top_view_processes_value,
    .cell = top_view_processes_cell,
    .name = top_view_processes_name,
    .style = top_view_processes_style,
};
