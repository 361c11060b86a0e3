#include "top/top_paper.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "common/printable.h"
#include "common/xalloc.h"

void top_paper_open(struct top_paper *paper, int rows, int columns) {
    if (paper->rows != rows || paper->columns != columns || paper->cells == NULL) {
        free(paper->cells);
        paper->rows = rows;
        paper->columns = columns;
        paper->cells = xcalloc((size_t)rows * (size_t)columns + 1, sizeof *paper->cells);
    }
    for (int i = 0; i < rows * columns; i++) paper->cells[i] = (struct top_cell){.text = " "};
}

void top_paper_close(struct top_paper *paper) {
    free(paper->cells);
    paper->cells = NULL;
}

struct top_cell *top_paper_cell(const struct top_paper *paper, int row, int column) {
    if (row < 0 || row >= paper->rows || column < 0 || column >= paper->columns) return NULL;
    return &paper->cells[(size_t)row * (size_t)paper->columns + (size_t)column];
}

/* ---- characters ---- */

struct top_paper_character {
    char text[5];
    int width;
    size_t bytes; /* in the text that it was read from */
};

/* Returns the number of a character of UTF-8. */
static wchar_t top_paper_decode(const char *text, size_t length) {
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    wchar_t value = (unsigned char)text[0] & masks[length];
    for (size_t i = 1; i < length; i++) value = value << 6 | ((unsigned char)text[i] & 0x3f);
    return value;
}

/* A character that does not take one or two columns becomes a question mark: control characters,
 * those that change the direction, and marks that terminals combine in different ways. */
static struct top_paper_character top_paper_read(const struct top_paper *paper, const char *text) {
    struct top_paper_character character = {"?", 1, 1};
    size_t length = utf8_length(text, strlen(text));
    if (length == 0) return character;
    character.bytes = length;
    if (length == 1 ? (unsigned char)*text < 0x20 || *text == 0x7f : !paper->is_unicode)
        return character;
    int width = length == 1 ? 1 : wcwidth(top_paper_decode(text, length));
    if (width != 1 && width != 2) return character;
    memcpy(character.text, text, length);
    character.text[length] = '\0';
    character.width = width;
    return character;
}

/* Returns the number of columns of the text, or `limit` + 1 if it has more. */
static int top_paper_width(const struct top_paper *paper, const char *text, int limit) {
    int width = 0;
    while (*text != '\0' && width <= limit) {
        struct top_paper_character character = top_paper_read(paper, text);
        width += character.width;
        text += character.bytes;
    }
    return width <= limit ? width : limit + 1;
}

/* Half of a wide character must not remain. */
static void top_paper_clear(const struct top_paper *paper, int row, int column) {
    struct top_cell *cell = top_paper_cell(paper, row, column);
    struct top_cell *next = top_paper_cell(paper, row, column + 1);
    if (cell == NULL) return;
    if (cell->text[0] == '\0' && column > 0) strcpy(cell[-1].text, " ");
    if (next != NULL && next->text[0] == '\0') strcpy(next->text, " ");
}

static void top_paper_set(const struct top_paper *paper, int row, int column,
                          const struct top_paper_character *character, enum top_style style) {
    for (int i = 0; i < character->width; i++) {
        struct top_cell *cell = top_paper_cell(paper, row, column + i);
        if (cell == NULL) return;
        top_paper_clear(paper, row, column + i);
        memset(cell, 0, sizeof *cell);
        if (i == 0) memcpy(cell->text, character->text, sizeof cell->text);
        cell->style = (unsigned char)style;
    }
}

/* ---- text ---- */

int top_paper_put(struct top_paper *paper, int row, int column, int width, enum top_style style,
                  const char *text) {
    if (width > paper->columns - column) width = paper->columns - column;
    if (row < 0 || row >= paper->rows || column < 0 || width <= 0) return 0;
    bool is_cut = top_paper_width(paper, text, width) > width;
    int used = 0, room = width - is_cut;
    while (*text != '\0') {
        struct top_paper_character character = top_paper_read(paper, text);
        if (used + character.width > room) break;
        top_paper_set(paper, row, column + used, &character, style);
        used += character.width;
        text += character.bytes;
    }
    struct top_paper_character end = {"+", 1, 1};
    if (paper->is_unicode) strcpy(end.text, "\xe2\x80\xa6"); /* U+2026 */
    if (is_cut) top_paper_set(paper, row, column + used++, &end, style);
    return used;
}

void top_paper_put_right(struct top_paper *paper, int row, int column, int width,
                         enum top_style style, const char *text) {
    int taken = top_paper_width(paper, text, width);
    int space = taken < width ? width - taken : 0;
    top_paper_put(paper, row, column + space, width - space, style, text);
}

int top_paper_print(struct top_paper *paper, int row, int column, enum top_style style,
                    const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return column + top_paper_put(paper, row, column, paper->columns - column, style, text);
}

void top_paper_mark(struct top_paper *paper, int row, int column, int width, enum top_style style) {
    for (int i = 0; i < width; i++) {
        struct top_cell *cell = top_paper_cell(paper, row, column + i);
        if (cell != NULL) cell->style = (unsigned char)style;
    }
}

char *top_paper_row(const struct top_paper *paper, int row) {
    char *text = xcalloc((size_t)paper->columns * 4 + 1, 1), *end = text, *last = text;
    for (int column = 0; column < paper->columns; column++) {
        const struct top_cell *cell = top_paper_cell(paper, row, column);
        if (cell == NULL) break;
        end = stpcpy(end, cell->text);
        if (strcmp(cell->text, " ") != 0) last = end;
    }
    *last = '\0';
    return text;
}
