/* The table of allocation sites. */
#include "top/top_view.h"

enum {
    SITE_LIVE,
    SITE_ERROR,
    SITE_BLOCKS,
    SITE_RATE,
    SITE_RATE_ERROR,
    SITE_CALL_RATE,
    SITE_ALLOCATED,
    SITE_CALLS,
    SITE_NAME,
    SITE_COLUMNS,
};

static const struct top_column top_view_sites_columns[SITE_COLUMNS] = {
    [SITE_LIVE] = {"LIVE", 6, 0, false, false, false},
    [SITE_ERROR] = {"+-", 6, 0, false, false, false},
    [SITE_BLOCKS] = {"BLOCKS", 6, 60, false, false, false},
    [SITE_RATE] = {"RATE/s", 6, 40, false, false, false},
    [SITE_RATE_ERROR] = {"+-", 6, 100, false, false, false},
    [SITE_CALL_RATE] = {"CALL/s", 6, 100, false, false, false},
    [SITE_ALLOCATED] = {"ALLOC", 6, 50, false, false, false},
    [SITE_CALLS] = {"CALLS", 6, 70, false, false, false},
    [SITE_NAME] = {"SITE", 0, 0, true, true, true},
};

static const struct top_group *top_view_sites_at(const struct top *top, size_t row) {
    return &top->groups.list[row];
}

static size_t top_view_sites_count(const struct top *top) { return top->groups.count; }

static double top_view_sites_value(const struct top *top, size_t row, int column) {
    const struct top_group *group = top_view_sites_at(top, row);
    switch (column) {
    case SITE_ERROR:
        return group->live.variance;
    case SITE_BLOCKS:
        return group->live.blocks;
    case SITE_RATE:
        return group->rate;
    case SITE_RATE_ERROR:
        return group->rate_variance;
    case SITE_CALL_RATE:
        return group->call_rate;
    case SITE_ALLOCATED:
        return group->allocated.bytes;
    case SITE_CALLS:
        return group->allocated.blocks;
    default:
        return group->live.bytes;
    }
}

static struct top_text top_view_sites_cell(const struct top *top, size_t row, int column) {
    const struct top_group *group = top_view_sites_at(top, row);
    bool has_rates = top->current->sites.has_rates;
    switch (column) {
    case SITE_ERROR:
        return top_text_error(group->live.bytes, group->live.variance);
    case SITE_BLOCKS:
    case SITE_CALLS:
        return top_text_count(top_view_sites_value(top, row, column));
    case SITE_RATE:
        return has_rates ? top_text_bytes(group->rate) : (struct top_text){"-"};
    case SITE_RATE_ERROR:
        return top_text_error(group->rate, group->rate_variance);
    case SITE_CALL_RATE:
        return has_rates ? top_text_count(group->call_rate) : (struct top_text){"-"};
    default:
        return top_text_bytes(top_view_sites_value(top, row, column));
    }
}

const struct top_table top_view_sites = {
    .columns = top_view_sites_columns,
    .column_count = SITE_COLUMNS,
    .order = SITE_LIVE,
    .begin = top_groups_build,
    .count = top_view_sites_count,
    .value = top_view_sites_value,
    .cell = top_view_sites_cell,
    .name = top_groups_title,
    .prepare = top_groups_look_up,
};
