#include "top/top_plain.h"

#include <err.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"

/* The head has fixed columns, and names are not cut unless they are longer than any. */
#define HEAD_COLUMNS 80
#define TABLE_COLUMNS 4096

static struct {
    const struct top_plain_settings *settings;
    struct top_ui ui;
    bool is_later; /* than the first round */
} top_plain;

static void top_plain_print_paper(const struct top_paper *paper, int rows) {
    for (int row = 0; row < rows; row++) {
        char *text = top_paper_row(paper, row);
        puts(text);
        free(text);
    }
}

static void top_plain_print_table(struct top *top, const struct top_table *table) {
    struct top_table_state *state = &top_plain.ui.tables[top_plain.ui.view];
    struct top_paper paper = {.is_unicode = true};
    top_table_arrange(top, table, state);
    size_t limit = top_plain.settings->rows;
    size_t shown = limit == 0 || state->count < limit ? state->count : limit;
    if (shown == 0) {
        const char *lack = top_view_lack(top, top_plain.ui.view);
        if (lack != NULL) puts(lack);
        return;
    }
    top_paper_open(&paper, (int)shown + 1, TABLE_COLUMNS);
    top_table_draw(top, table, state, &paper, 0, (int)shown + 1, false);
    top_plain_print_paper(&paper, (int)shown + 1);
    top_paper_close(&paper);
    if (shown < state->count) printf("%zu more; --top=0 prints all\n", state->count - shown);
}

static void top_plain_print_overview(struct top *top) {
    struct top_paper paper = {.is_unicode = true};
    enum { ROWS = 12 };
    if (top->current == NULL || !top->current->has_figures) return;
    top_paper_open(&paper, ROWS, HEAD_COLUMNS);
    top_view_overview(top, &top_plain.ui, &paper, 0, 9); /* without curves */
    int rows = ROWS;
    for (; rows > 0; rows--) {
        char *text = top_paper_row(&paper, rows - 1);
        bool is_empty = *text == '\0';
        free(text);
        if (!is_empty) break;
    }
    top_plain_print_paper(&paper, rows);
    top_paper_close(&paper);
}

static void top_plain_print(struct top *top) {
    struct top_paper paper = {.is_unicode = true};
    const struct top_table *table = top_view_table(top_plain.ui.view);
    if (top_plain.is_later) putchar('\n');
    top_paper_open(&paper, 24, HEAD_COLUMNS);
    top_plain_print_paper(&paper, top_view_head(top, &top_plain.ui, &paper, false));
    top_paper_close(&paper);
    if (table != NULL)
        top_plain_print_table(top, table);
    else
        top_plain_print_overview(top);
}

/* Ends when there is nothing left to look at. */
static void top_plain_check_end(struct top *top) {
    for (size_t i = 0; i < top->count; i++)
        if (!top->list[i]->has_ended) return;
    if (!top->finds_processes) top->is_finished = true;
}

static void top_plain_show(struct top *top) {
    if (top_plain.settings->json)
        top_json_print(top, top_plain.settings->rows);
    else
        top_plain_print(top);
    top_plain.is_later = true;
    if (fflush(stdout) == EOF) {
        if (errno != EPIPE) err(EXIT_OWN_FAILURE, "standard output");
        top->is_finished = true; /* the reader has seen enough */
    }
    top_plain_check_end(top);
}

int top_plain_run(struct top *top, const struct top_plain_settings *settings) {
    const struct top_front front = {
        .input = -1,
        .show = top_plain_show,
        .rounds = settings->rounds,
    };
    setlocale(LC_CTYPE, "C.UTF-8"); /* for the width of characters */
    top_plain.settings = settings;
    top_plain.ui.view = settings->view;
    top->is_patient = true;
    top->shows_threads = settings->view == VIEW_THREADS || settings->json;
    return top_loop(top, &front);
}
