/* The whole sheet: the head, the names of the views, one view, and the last row. */
#include "top/top_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

const char *const top_view_names[VIEWS] = {"Overview", "Sites", "Classes", "Threads", "Processes"};

const struct top_table *top_view_table(enum top_view view) {
    static const struct top_table *const tables[VIEWS] = {
        [VIEW_SITES] = &top_view_sites,
        [VIEW_CLASSES] = &top_view_classes,
        [VIEW_THREADS] = &top_view_threads,
        [VIEW_PROCESSES] = &top_view_processes,
    };
    return tables[view];
}

/* ---- the names of the views ---- */

/* Returns the column after the names. Where they do not fit, only the one of the view is shown. */
static int top_view_draw_names(const struct top_ui *ui, struct top_paper *paper, int row) {
    enum { ALL_COLUMNS = 56 };
    int at = 0;
    for (int i = 0; i < VIEWS; i++) {
        char tab[32];
        bool is_shown = (int)ui->view == i, has_name = is_shown || paper->columns >= ALL_COLUMNS;
        snprintf(tab, sizeof tab, is_shown ? "[%d%s%s]" : " %d%s%s ", i + 1, has_name ? " " : "",
                 has_name ? top_view_names[i] : "");
        at += top_paper_put(paper, row, at, paper->columns - at, is_shown ? STYLE_BOLD : STYLE_DIM,
                            tab);
    }
    return at;
}

static void top_view_draw_tabs(const struct top_ui *ui, struct top_paper *paper, int row) {
    int at = top_view_draw_names(ui, paper, row);
    const struct top_table_state *state = &ui->tables[ui->view];
    if (*state->filter == '\0' || ui->mode == MODE_FILTER) return;
    char *filter = xasprintf("filter: %s", state->filter);
    top_paper_put_right(paper, row, at + 1, paper->columns - at - 1, STYLE_WARNING, filter);
    free(filter);
}

/* ---- the last row ---- */

static void top_view_draw_keys(struct top_paper *paper, int row) {
    static const char *const keys[] = {"q", "quit",    "?",     "help", "1-5",   "views",
                                       "/", "filter",  "< >",   "sort", "Enter", "open",
                                       "s", "samples", "space", "pause"};
    int at = 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i += 2) {
        if (at + (int)strlen(keys[i]) + (int)strlen(keys[i + 1]) + 1 > paper->columns) break;
        at += top_paper_put(paper, row, at, paper->columns - at, STYLE_BOLD, keys[i]);
        at += 1 +
              top_paper_put(paper, row, at + 1, paper->columns - at - 1, STYLE_PLAIN, keys[i + 1]);
        at += 2;
    }
}

/* Says what is wrong with the process, in place of the keys. */
static const char *top_view_trouble(const struct top *top, const struct top_ui *ui) {
    static char text[128];
    const struct top_process *process = top->current;
    if (ui->view == VIEW_PROCESSES || process == NULL || process->does_answer || top->is_paused)
        return NULL;
    if (process->has_ended) {
        snprintf(text, sizeof text, "process %d has ended; these are its last figures (q: quit)",
                 (int)process->pid);
        return text;
    }
    if (process->reason != NULL) return process->reason;
    if (!process->has_figures) return NULL;
    snprintf(text, sizeof text, "process %d does not answer: it may be stopped or busy",
             (int)process->pid);
    return text;
}

static void top_view_draw_last_row(const struct top *top, const struct top_ui *ui,
                                   struct top_paper *paper, int row) {
    const char *trouble = top_view_trouble(top, ui);
    if (ui->mode == MODE_FILTER) {
        int at =
            top_paper_print(paper, row, 0, STYLE_BOLD, "filter: %s", ui->tables[ui->view].filter);
        top_paper_mark(paper, row, at, 1, STYLE_SELECTED);
    } else if (*ui->message != '\0' && top->now < ui->message_end) {
        top_paper_put(paper, row, 0, paper->columns, STYLE_WARNING, ui->message);
    } else if (trouble != NULL) {
        top_paper_put(paper, row, 0, paper->columns, STYLE_WARNING, trouble);
    } else {
        top_view_draw_keys(paper, row);
    }
}

/* ---- the view ---- */

const char *top_view_lack(const struct top *top, enum top_view view) {
    const struct top_process *process = top->current;
    if (view == VIEW_PROCESSES)
        return top->count > 0
                   ? NULL
                   : "No process of this user runs on Mallow and accepts requests. Start "
                     "one with 'mallow run'.";
    if (process == NULL) return "No process is chosen: press 5, and Enter on one of them.";
    if (view == VIEW_SITES && process->sampling == SAMPLING_OFF)
        return "Sites are known by samples, and sampling is off. Press s to turn it on until you "
               "quit, or start the program with 'mallow run --sample'.";
    if (view == VIEW_SITES && process->sites.count == 0)
        return process->sampling == SAMPLING_ON ? "No allocation has been sampled yet." : NULL;
    return NULL;
}

/* Puts a text into several rows. */
static void top_view_draw_text(struct top_paper *paper, int row, int rows, const char *text) {
    for (; rows > 0 && *text != '\0'; row++, rows--) {
        size_t length = strlen(text), room = (size_t)paper->columns;
        if (length > room)
            for (length = room; length > 1 && text[length] != ' '; length--) continue;
        char *line = xstrndup(text, length);
        top_paper_put(paper, row, 0, paper->columns, STYLE_WARNING, line);
        free(line);
        text += length + (text[length] == ' ');
    }
}

static void top_view_draw_view(struct top *top, struct top_ui *ui, struct top_paper *paper, int row,
                               int rows) {
    const struct top_table *table = top_view_table(ui->view);
    if (table == NULL) {
        top_view_overview(top, ui, paper, row, rows);
        return;
    }
    struct top_table_state *state = &ui->tables[ui->view];
    top_table_arrange(top, table, state);
    ui->page = top_table_draw(top, table, state, paper, row, rows, true);
    const char *lack = state->count > 0 ? NULL : top_view_lack(top, ui->view);
    if (lack == NULL && state->count == 0 && *state->filter != '\0') lack = "No row matches.";
    if (lack != NULL) top_view_draw_text(paper, row + 1, rows - 1, lack);
}

void top_view_draw(struct top *top, struct top_ui *ui, struct top_paper *paper) {
    int last = paper->rows - 1, row = top_view_head(top, ui, paper, true);
    if (paper->rows < 8) row = 2; /* less of the head */
    for (int i = row; i < paper->rows; i++)
        for (int j = 0; j < paper->columns; j++)
            *top_paper_cell(paper, i, j) = (struct top_cell){.text = " "};
    if (row < last && paper->rows >= 8) top_view_draw_tabs(ui, paper, row++);
    if (row < last && ui->mode == MODE_HELP)
        top_view_help(ui, paper, row, last - row);
    else if (row < last && ui->mode == MODE_STACK)
        top_view_stack(top, ui, paper, row, last - row);
    else if (row < last)
        top_view_draw_view(top, ui, paper, row, last - row);
    if (last > 0) top_view_draw_last_row(top, ui, paper, last);
}
