/* The help. */
#include "top/top_view.h"

static const char *const top_view_help_lines[] = {
    "1-5, Tab       overview, sites, classes, threads, processes",
    "arrows, j k    move the cursor; PgUp PgDn Home End, too",
    "< >            sort by the column to the left or right",
    "r              reverse the order",
    "/              show only rows whose name contains a text; Esc: all rows",
    "Enter          open a process, or the stack of a site; Esc: back",
    "g              sites: a row for each function, or for each stack",
    "s              take samples, or stop that: needed for sites and rates",
    "space, p       pause",
    "+ -            longer or shorter interval",
    "z              curves over a longer time: 4, 16 or 64 rounds a column",
    "?              this help",
    "q              quit",
    "",
    "LIVE     bytes in use by the program   +-      95 % interval of estimates",
    "BLOCKS   that are in use               GROW/s  growth of LIVE per second",
    "RATE/s   bytes allocated per second    CALL/s  calls per second",
    "ALLOC    bytes allocated so far        CALLS   so far",
    "CACHED   free, in caches of threads    FREE    free, in slabs",
    "PINNED   free, but in pages that a live block keeps resident",
    "OLDEST   age of the oldest live block  RES     resident memory",
    "",
    "Sites, threads' figures and rates are estimates from samples. Sampling that",
    "mallow top has turned on is turned off when it ends.",
};

void top_view_help(struct top_ui *ui, struct top_paper *paper, int row, int rows) {
    size_t count = sizeof top_view_help_lines / sizeof top_view_help_lines[0];
    size_t fit = rows > 0 ? (size_t)rows : 0;
    if (ui->first + fit > count) ui->first = count > fit ? count - fit : 0;
    for (size_t i = 0; i < fit && ui->first + i < count; i++)
        top_paper_put(paper, row + (int)i, 0, paper->columns, STYLE_PLAIN,
                      top_view_help_lines[ui->first + i]);
}
