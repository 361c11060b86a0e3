/*
 * A sheet of character cells, on which the views of mallow top draw. Text is cut by the columns
 * that it takes, and contains no character that moves the cursor or has no width, so that a sheet
 * looks the same on each terminal.
 */
#ifndef MALLOW_TOP_PAPER_H
#define MALLOW_TOP_PAPER_H

#include <stdbool.h>
#include <stddef.h>

enum top_style {
    STYLE_PLAIN,
    STYLE_BOLD,
    STYLE_DIM,
    STYLE_TITLE,    /* the names of columns */
    STYLE_SELECTED, /* the row of the cursor */
    STYLE_LIVE,
    STYLE_RESIDENT,
    STYLE_RATE,
    STYLE_WARNING,
    STYLES,
};

struct top_cell {
    char text[5];        /* a character in UTF-8; empty: the second half of a wide one */
    unsigned char style; /* enum top_style */
};

struct top_paper {
    int rows, columns;
    bool is_unicode; /* the locale uses UTF-8; otherwise other characters become '?' */
    bool has_blocks; /* the terminal has the characters that curves are drawn with */
    struct top_cell *cells;
};

/* Makes all cells spaces. */
void top_paper_open(struct top_paper *paper, int rows, int columns);
void top_paper_close(struct top_paper *paper);

/* Returns the cell, or NULL outside of the sheet. */
struct top_cell *top_paper_cell(const struct top_paper *paper, int row, int column);

/* Puts text into at most `width` columns. Text that is cut ends with an ellipsis. Returns the
 * columns that are used. */
int top_paper_put(struct top_paper *paper, int row, int column, int width, enum top_style style,
                  const char *text);

/* Does the same for text that ends in the last of the columns. */
void top_paper_put_right(struct top_paper *paper, int row, int column, int width,
                         enum top_style style, const char *text);

/* Puts formatted text from the column to the end of the row. Returns the column after it. */
int top_paper_print(struct top_paper *paper, int row, int column, enum top_style style,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Changes the style of cells. */
void top_paper_mark(struct top_paper *paper, int row, int column, int width, enum top_style style);

/* Returns the row as text without spaces at its end. The caller frees it. */
char *top_paper_row(const struct top_paper *paper, int row);

#endif
