/* The table of size classes, and of the blocks that are too large for them. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "top/top_view.h"

enum {
    CLASS_SIZE,
    CLASS_LIVE,
    CLASS_CHANGE,
    CLASS_BLOCKS,
    CLASS_CACHED,
    CLASS_FREE,
    CLASS_PINNED,
    CLASS_SLABS,
    CLASS_SHARE,
    CLASS_COLUMNS,
};

static const struct top_column top_view_classes_columns[CLASS_COLUMNS] = {
    [CLASS_SIZE] = {"SIZE", 8, 0, true, false, false},
    [CLASS_LIVE] = {"LIVE", 6, 0, false, false, false},
    [CLASS_CHANGE] = {"GROW/s", 7, 50, false, false, false},
    [CLASS_BLOCKS] = {"BLOCKS", 6, 40, false, false, false},
    [CLASS_CACHED] = {"CACHED", 6, 60, false, false, false},
    [CLASS_FREE] = {"FREE", 6, 60, false, false, false},
    [CLASS_PINNED] = {"PINNED", 6, 70, false, false, false},
    [CLASS_SLABS] = {"SLABS", 6, 100, false, false, false},
    [CLASS_SHARE] = {"OF LIVE BYTES", 0, 0, false, true, false},
};

/* After the size classes: blocks of whole pages, and those with their own mapping. */
enum { ROW_RUNS = MALLOW_STATS_CLASSES, ROW_MAPPINGS, ROWS };

static size_t top_view_classes_count(const struct top *top) {
    return top->current == NULL || !top->current->has_figures ? 0 : ROWS;
}

static double top_view_classes_live(const struct mallow_stats *stats, size_t row) {
    if (row == ROW_RUNS) return (double)stats->run_bytes;
    if (row == ROW_MAPPINGS) return (double)stats->mapping_bytes;
    return (double)stats->classes[row].used_slots * (double)stats->classes[row].slot_bytes;
}

static double top_view_classes_blocks(const struct mallow_stats *stats, size_t row) {
    if (row == ROW_RUNS) return (double)stats->run_blocks;
    if (row == ROW_MAPPINGS) return (double)stats->mappings;
    return (double)stats->classes[row].used_slots;
}

static double top_view_classes_change(const struct top_process *process, size_t row) {
    double seconds = (double)(process->time - process->earlier_time) / 1000;
    if (!process->has_earlier || seconds <= 0) return 0;
    return (top_view_classes_live(&process->stats, row) -
            top_view_classes_live(&process->earlier, row)) /
           seconds;
}

static double top_view_classes_value(const struct top *top, size_t row, int column) {
    const struct mallow_stats *stats = &top->current->stats;
    bool is_class = row < MALLOW_STATS_CLASSES;
    const struct mallow_class_stats *of = is_class ? &stats->classes[row] : NULL;
    switch (column) {
    case CLASS_SIZE:
        return is_class ? (double)of->slot_bytes : 1e18 + (double)row;
    case CLASS_CHANGE:
        return top_view_classes_change(top->current, row);
    case CLASS_BLOCKS:
        return top_view_classes_blocks(stats, row);
    case CLASS_CACHED:
        return is_class ? (double)(of->cached_slots * of->slot_bytes) : 0;
    case CLASS_FREE:
        return is_class ? (double)(of->free_slots * of->slot_bytes) : 0;
    case CLASS_PINNED:
        return is_class ? (double)stats->class_pages[row].pinned_bytes : 0;
    case CLASS_SLABS:
        return is_class ? (double)of->slabs : 0;
    default:
        return top_view_classes_live(stats, row);
    }
}

static bool top_view_classes_is_shown(const struct top *top, size_t row) {
    for (int column = CLASS_LIVE; column < CLASS_COLUMNS; column++)
        if (top_view_classes_value(top, row, column) != 0) return true;
    return false;
}

static struct top_text top_view_classes_cell(const struct top *top, size_t row, int column) {
    double value = top_view_classes_value(top, row, column);
    if (column == CLASS_SIZE && row == ROW_RUNS) return (struct top_text){"pages"};
    if (column == CLASS_SIZE && row == ROW_MAPPINGS) return (struct top_text){"mappings"};
    if (column >= CLASS_CACHED && row >= MALLOW_STATS_CLASSES) return (struct top_text){""};
    if (column == CLASS_CHANGE) return top_text_change(value);
    if (column == CLASS_BLOCKS || column == CLASS_SLABS) return top_text_count(value);
    return top_text_bytes(value);
}

/* A bar and the share in percent. */
static char *top_view_classes_name(const struct top *top, size_t row) {
    static const char bar[] = "####################";
    double live = (double)top_live_bytes(&top->current->stats);
    double share = live > 0 ? top_view_classes_live(&top->current->stats, row) / live : 0;
    if (share > 1) share = 1;
    return xasprintf("%5.1f%% %.*s", share * 100, (int)(share * 20 + 0.5), bar);
}

const struct top_table top_view_classes = {
    .columns = top_view_classes_columns,
    .column_count = CLASS_COLUMNS,
    .order = CLASS_LIVE,
    .count = top_view_classes_count,
    .is_shown = top_view_classes_is_shown,
    .value = top_view_classes_value,
    .cell = top_view_classes_cell,
    .name = top_view_classes_name,
};
