/* Tables: rows that are filtered, sorted and scrolled. */
#ifndef MALLOW_TOP_TABLE_H
#define MALLOW_TOP_TABLE_H

#include "top/top.h"
#include "top/top_paper.h"
#include "top/top_text.h"

struct top_column {
    const char *title;
    int width;    /* 0: what is left; only the last column */
    int from;     /* shown if the sheet has so many columns */
    bool ascends; /* when it is first sorted by */
    bool is_left; /* aligned to the left */
    bool is_read; /* its values are only known after prepare() */
};

struct top_table {
    const struct top_column *columns;
    int column_count, order;        /* by which column it is sorted at first */
    void (*begin)(struct top *top); /* called before the others, or NULL */
    size_t (*count)(const struct top *top);
    bool (*is_shown)(const struct top *top, size_t row); /* NULL: all rows */
    double (*value)(const struct top *top, size_t row, int column);
    struct top_text (*cell)(const struct top *top, size_t row, int column);
    char *(*name)(const struct top *top, size_t row); /* the last column; the caller frees it */
    enum top_style (*style)(const struct top *top, size_t row); /* NULL: plain */
    /* Called before rows are drawn, and with all rows before they are filtered by name, or NULL. */
    void (*prepare)(struct top *top, const size_t *rows, size_t count);
};

#define TOP_FILTER_BYTES 128

struct top_table_state {
    int order;
    bool ascends, is_chosen; /* the user has chosen an order */
    char filter[TOP_FILTER_BYTES];
    size_t selected, first; /* positions in `rows` */
    size_t *rows, count;    /* those that are left, in their order */
};

/* Filters and sorts the rows. */
void top_table_arrange(struct top *top, const struct top_table *table,
                       struct top_table_state *state);

/* Draws the titles and as many rows as fit, so that the selected row is among them. Returns the
 * number of rows that fit. Without a cursor, no row is marked. */
int top_table_draw(struct top *top, const struct top_table *table, struct top_table_state *state,
                   struct top_paper *paper, int row, int rows, bool has_cursor);

/* Moves the cursor. */
void top_table_move(struct top_table_state *state, long by);

/* Sorts by the next column that is shown in that direction. */
void top_table_choose(const struct top_table *table, struct top_table_state *state, int direction,
                      int columns);

/* Returns the selected row, or SIZE_MAX. */
size_t top_table_selected(const struct top_table_state *state);

#endif
