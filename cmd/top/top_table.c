#include "top/top_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

/* ---- rows ---- */

struct top_table_key {
    size_t row;
    double value;
    char *name; /* NULL unless it is sorted by name */
};

static int top_table_compare(const void *a, const void *b, void *context) {
    const struct top_table_key *left = a, *right = b;
    bool ascends = *(const bool *)context;
    int order = left->name != NULL ? strcmp(left->name, right->name)
                                   : (left->value > right->value) - (left->value < right->value);
    if (order != 0) return ascends ? order : -order;
    return left->row < right->row ? -1 : left->row > right->row;
}

static bool top_table_matches(const struct top *top, const struct top_table *table, size_t row,
                              const char *filter) {
    if (*filter == '\0') return true;
    char *name = table->name(top, row);
    bool does = strcasestr(name, filter) != NULL;
    free(name);
    return does;
}

/* Stores the rows that are shown without a filter. */
static void top_table_collect(const struct top *top, const struct top_table *table,
                              struct top_table_state *state) {
    size_t count = table->count(top);
    free(state->rows);
    state->rows = xcalloc(count + 1, sizeof *state->rows);
    state->count = 0;
    for (size_t row = 0; row < count; row++)
        if (table->is_shown == NULL || table->is_shown(top, row)) state->rows[state->count++] = row;
}

static void top_table_filter(const struct top *top, const struct top_table *table,
                             struct top_table_state *state) {
    size_t kept = 0;
    for (size_t i = 0; i < state->count; i++)
        if (top_table_matches(top, table, state->rows[i], state->filter))
            state->rows[kept++] = state->rows[i];
    state->count = kept;
}

static void top_table_sort(const struct top *top, const struct top_table *table,
                           struct top_table_state *state) {
    struct top_table_key *keys = xcalloc(state->count + 1, sizeof *keys);
    bool by_name = state->order == table->column_count - 1;
    for (size_t i = 0; i < state->count; i++) {
        keys[i].row = state->rows[i];
        if (by_name)
            keys[i].name = table->name(top, keys[i].row);
        else
            keys[i].value = table->value(top, keys[i].row, state->order);
    }
    qsort_r(keys, state->count, sizeof *keys, top_table_compare, &state->ascends);
    for (size_t i = 0; i < state->count; i++) {
        state->rows[i] = keys[i].row;
        free(keys[i].name);
    }
    free(keys);
}

void top_table_arrange(struct top *top, const struct top_table *table,
                       struct top_table_state *state) {
    if (!state->is_chosen) {
        state->order = table->order;
        state->ascends = table->columns[table->order].ascends;
    }
    if (table->begin != NULL) table->begin(top);
    top_table_collect(top, table, state);
    bool needs_all = *state->filter != '\0' || table->columns[state->order].is_read;
    if (needs_all && table->prepare != NULL) table->prepare(top, state->rows, state->count);
    if (*state->filter != '\0') top_table_filter(top, table, state);
    top_table_sort(top, table, state);
    if (state->selected >= state->count) state->selected = state->count > 0 ? state->count - 1 : 0;
}

/* ---- drawing ---- */

static bool top_table_has_column(const struct top_column *column, int columns) {
    return columns >= column->from;
}

static void top_table_draw_titles(const struct top_table *table,
                                  const struct top_table_state *state, struct top_paper *paper,
                                  int row) {
    int at = 0;
    top_paper_mark(paper, row, 0, paper->columns, STYLE_TITLE);
    for (int i = 0; i < table->column_count; i++) {
        const struct top_column *column = &table->columns[i];
        if (!top_table_has_column(column, paper->columns)) continue;
        bool is_last = i == table->column_count - 1;
        int width = is_last ? paper->columns - at : column->width;
        enum top_style style = state->order == i ? STYLE_SELECTED : STYLE_TITLE;
        if (is_last || column->is_left)
            top_paper_put(paper, row, at, width, style, column->title);
        else
            top_paper_put_right(paper, row, at, width, style, column->title);
        at += width + 1;
    }
}

static void top_table_draw_row(const struct top *top, const struct top_table *table,
                               struct top_paper *paper, int row, size_t index) {
    enum top_style style = table->style == NULL ? STYLE_PLAIN : table->style(top, index);
    int at = 0;
    for (int i = 0; i < table->column_count - 1; i++) {
        const struct top_column *column = &table->columns[i];
        if (!top_table_has_column(column, paper->columns)) continue;
        struct top_text text = table->cell(top, index, i);
        if (column->is_left)
            top_paper_put(paper, row, at, column->width, style, text.text);
        else
            top_paper_put_right(paper, row, at, column->width, style, text.text);
        at += column->width + 1;
    }
    char *name = table->name(top, index);
    top_paper_put(paper, row, at, paper->columns - at, style, name);
    free(name);
}

int top_table_draw(struct top *top, const struct top_table *table, struct top_table_state *state,
                   struct top_paper *paper, int row, int rows, bool has_cursor) {
    size_t fit = rows > 1 ? (size_t)rows - 1 : 0;
    if (rows < 1) return 0;
    if (state->selected < state->first) state->first = state->selected;
    if (fit > 0 && state->selected >= state->first + fit) state->first = state->selected - fit + 1;
    if (state->first + fit > state->count)
        state->first = state->count > fit ? state->count - fit : 0;
    size_t left = state->count - state->first, shown = left < fit ? left : fit;
    if (table->prepare != NULL) table->prepare(top, state->rows + state->first, shown);
    top_table_draw_titles(table, state, paper, row);
    for (size_t i = 0; i < shown; i++) {
        int at = row + 1 + (int)i;
        top_table_draw_row(top, table, paper, at, state->rows[state->first + i]);
        if (has_cursor && state->first + i == state->selected)
            top_paper_mark(paper, at, 0, paper->columns, STYLE_SELECTED);
    }
    return (int)fit;
}

/* ---- keys ---- */

void top_table_move(struct top_table_state *state, long by) {
    size_t last = state->count > 0 ? state->count - 1 : 0;
    if (by < 0)
        state->selected = state->selected > (size_t)-by ? state->selected - (size_t)-by : 0;
    else
        state->selected = (size_t)by < last - state->selected ? state->selected + (size_t)by : last;
}

void top_table_choose(const struct top_table *table, struct top_table_state *state, int direction,
                      int columns) {
    int order = state->order;
    do order += direction;
    while (order >= 0 && order < table->column_count &&
           !top_table_has_column(&table->columns[order], columns));
    if (order < 0 || order >= table->column_count) return;
    state->order = order;
    state->ascends = table->columns[order].ascends;
    state->is_chosen = true;
}

size_t top_table_selected(const struct top_table_state *state) {
    return state->selected < state->count ? state->rows[state->selected] : SIZE_MAX;
}
