/* The views of mallow top: what is drawn on the sheet, and how the user has chosen it. */
#ifndef MALLOW_TOP_VIEW_H
#define MALLOW_TOP_VIEW_H

#include "top/top.h"
#include "top/top_paper.h"
#include "top/top_table.h"

enum top_view { VIEW_OVERVIEW, VIEW_SITES, VIEW_CLASSES, VIEW_THREADS, VIEW_PROCESSES, VIEWS };

enum top_mode { MODE_VIEW, MODE_FILTER, MODE_STACK, MODE_HELP };

struct top_ui {
    enum top_view view;
    enum top_mode mode;
    struct top_table_state tables[VIEWS];
    int zoom;       /* each column of a curve has 4 to the power of it rounds */
    uint32_t stack; /* in MODE_STACK: the number of the site's node */
    size_t first;   /* in MODE_STACK and MODE_HELP: the first line that is shown */
    char message[256];
    int64_t message_end; /* clock_ms() */
    int page;            /* rows of the table that fit */
};

extern const char *const top_view_names[VIEWS];

/* Returns the table of a view, or NULL. */
const struct top_table *top_view_table(enum top_view view);
extern const struct top_table top_view_sites, top_view_classes, top_view_threads,
    top_view_processes;

/* Draws the whole sheet. */
void top_view_draw(struct top *top, struct top_ui *ui, struct top_paper *paper);

/* Draw parts of the sheet from a row on. The first returns the row after it. */
int top_view_head(const struct top *top, const struct top_ui *ui, struct top_paper *paper,
                  bool has_curves);
void top_view_overview(const struct top *top, const struct top_ui *ui, struct top_paper *paper,
                       int row, int rows);
void top_view_stack(struct top *top, struct top_ui *ui, struct top_paper *paper, int row, int rows);
void top_view_help(struct top_ui *ui, struct top_paper *paper, int row, int rows);

/* Returns why the view has no rows, or NULL. */
const char *top_view_lack(const struct top *top, enum top_view view);

#endif
