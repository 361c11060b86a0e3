#include "top/top_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

#define MESSAGE_MS 4000
#define ZOOMS 4

void top_keys_say(struct top_ui *ui, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ui->message, sizeof ui->message, format, arguments);
    va_end(arguments);
    ui->message_end = clock_ms() + MESSAGE_MS;
}

void top_keys_show(struct top *top, struct top_ui *ui, enum top_view view) {
    ui->view = view;
    ui->mode = MODE_VIEW;
    top->shows_threads = view == VIEW_THREADS;
    if (top->shows_threads && top->current != NULL) top_threads_update(top->current);
}

/* ---- the filter ---- */

/* Appends a character in UTF-8. */
static void top_keys_append(char *filter, int key) {
    size_t length = strlen(filter);
    unsigned value = (unsigned)key;
    char *to = filter + length;
    size_t room = TOP_FILTER_BYTES - length;
    if (value < 0x80 && room > 1)
        snprintf(to, room, "%c", (int)value);
    else if (value >= 0x80 && value < 0x800 && room > 2)
        snprintf(to, room, "%c%c", 0xc0 | value >> 6, 0x80 | (value & 0x3f));
    else if (value >= 0x800 && value < 0x10000 && room > 3)
        snprintf(to, room, "%c%c%c", 0xe0 | value >> 12, 0x80 | (value >> 6 & 0x3f),
                 0x80 | (value & 0x3f));
}

static void top_keys_erase(char *filter) {
    size_t length = strlen(filter);
    while (length > 0 && ((unsigned char)filter[length - 1] & 0xc0) == 0x80) length--;
    if (length > 0) length--;
    filter[length] = '\0';
}

static void top_keys_filter(struct top_ui *ui, int key) {
    char *filter = ui->tables[ui->view].filter;
    if (key == TOP_KEY_ENTER) {
        ui->mode = MODE_VIEW;
    } else if (key == TOP_KEY_ESCAPE) {
        *filter = '\0';
        ui->mode = MODE_VIEW;
    } else if (key == TOP_KEY_ERASE) {
        top_keys_erase(filter);
    } else if (key >= ' ' && key < 0x110000) {
        top_keys_append(filter, key);
    }
}

/* ---- lists of lines ---- */

/* Returns false if the key does not scroll. */
static bool top_keys_scroll(size_t *first, int key, int page) {
    size_t step = page > 1 ? (size_t)page : 1;
    if (key == TOP_KEY_UP || key == 'k')
        *first -= *first > 0;
    else if (key == TOP_KEY_DOWN || key == 'j')
        ++*first;
    else if (key == TOP_KEY_PAGE_UP)
        *first -= *first > step ? step : *first;
    else if (key == TOP_KEY_PAGE_DOWN)
        *first += step;
    else if (key == TOP_KEY_HOME)
        *first = 0;
    else if (key == TOP_KEY_END)
        *first = (size_t)1 << 30; /* the view limits it */
    else
        return false;
    return true;
}

/* Returns false if the key does not move the cursor. */
static bool top_keys_move(struct top_ui *ui, int key) {
    struct top_table_state *state = &ui->tables[ui->view];
    long page = ui->page > 1 ? ui->page - 1 : 1;
    if (key == TOP_KEY_UP || key == 'k')
        top_table_move(state, -1);
    else if (key == TOP_KEY_DOWN || key == 'j')
        top_table_move(state, 1);
    else if (key == TOP_KEY_PAGE_UP)
        top_table_move(state, -page);
    else if (key == TOP_KEY_PAGE_DOWN)
        top_table_move(state, page);
    else if (key == TOP_KEY_HOME)
        top_table_move(state, -(long)state->count - 1);
    else if (key == TOP_KEY_END)
        top_table_move(state, (long)state->count + 1);
    else
        return false;
    return true;
}

/* ---- commands ---- */

static void top_keys_sample(struct top *top, struct top_ui *ui) {
    struct top_process *process = top->current;
    if (process == NULL || ui->view == VIEW_PROCESSES) {
        top_keys_say(ui, "open a process first");
    } else if (process->has_ended || !process->has_figures) {
        top_keys_say(ui, "process %d does not answer", (int)process->pid);
    } else if (process->sampling == SAMPLING_UNKNOWN) {
        top_keys_say(ui, "it is not known yet whether the program takes samples: press s again");
    } else if (process->sampling == SAMPLING_ON && !process->is_sampled_by_us) {
        top_keys_say(ui, "the program samples its allocations already");
    } else {
        process->want_sampling_changed = true;
        top_keys_say(ui, process->is_sampled_by_us
                             ? "sampling is off again"
                             : "sampling is on until you quit; older blocks are not known");
    }
}

static void top_keys_open(struct top *top, struct top_ui *ui) {
    size_t row =
        top_view_table(ui->view) == NULL ? SIZE_MAX : top_table_selected(&ui->tables[ui->view]);
    if (row == SIZE_MAX) return;
    if (ui->view == VIEW_PROCESSES && row < top->count) {
        top->current = top->list[row];
        top->current->next_profile = 0;
        top_keys_show(top, ui, VIEW_OVERVIEW);
    } else if (ui->view == VIEW_SITES && row < top->groups.count) {
        ui->stack = top->groups.list[row].number;
        ui->first = 0;
        ui->mode = MODE_STACK;
    }
}

static void top_keys_change_interval(struct top *top, struct top_ui *ui, int direction) {
    static const int64_t steps[] = {100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000};
    int count = sizeof steps / sizeof steps[0], i = 0;
    if (direction > 0) {
        while (i < count - 1 && steps[i] <= top->interval) i++;
    } else {
        for (i = count - 1; i > 0 && steps[i] >= top->interval;) i--;
    }
    top->interval = steps[i];
    top_keys_say(ui, "every %g seconds", (double)top->interval / 1000);
}

static void top_keys_go_back(struct top *top, struct top_ui *ui) {
    char *filter = ui->tables[ui->view].filter;
    if (ui->mode != MODE_VIEW)
        ui->mode = MODE_VIEW;
    else if (*filter != '\0')
        *filter = '\0';
    else if (top->count > 1 || top->finds_processes)
        top_keys_show(top, ui, VIEW_PROCESSES);
}

static void top_keys_order(struct top_ui *ui, int key, int columns) {
    const struct top_table *table = top_view_table(ui->view);
    struct top_table_state *state = &ui->tables[ui->view];
    if (table == NULL) return;
    if (key == 'r') {
        state->is_chosen = true;
        state->ascends = !state->ascends;
    } else {
        top_table_choose(table, state, key == '<' || key == TOP_KEY_LEFT ? -1 : 1, columns);
    }
}

/* Returns false if the key does not choose what is shown. */
static bool top_keys_choose_view(struct top *top, struct top_ui *ui, int key) {
    if (key >= '1' && key < '1' + VIEWS)
        top_keys_show(top, ui, (enum top_view)(key - '1'));
    else if (key == TOP_KEY_TAB)
        top_keys_show(top, ui, (ui->view + 1) % VIEWS);
    else if (key == TOP_KEY_BACK_TAB)
        top_keys_show(top, ui, (ui->view + VIEWS - 1) % VIEWS);
    else
        return false;
    return true;
}

static void top_keys_help(struct top_ui *ui) {
    ui->mode = ui->mode == MODE_HELP ? MODE_VIEW : MODE_HELP;
    ui->first = 0;
}

static void top_keys_group(struct top *top, struct top_ui *ui) {
    top->groups.by = (top->groups.by + 1) % TOP_BYS;
    top_keys_say(ui, top->groups.by == TOP_BY_STACK ? "a row for each stack"
                                                    : "a row for each function");
}

static void top_keys_command(struct top *top, struct top_ui *ui, int key, int columns) {
    if (key == 'q')
        top->is_finished = true;
    else if (key == '?' || key == 'h')
        top_keys_help(ui);
    else if (key == '/' && top_view_table(ui->view) != NULL)
        ui->mode = MODE_FILTER;
    else if (key == ' ' || key == 'p')
        top->is_paused = !top->is_paused;
    else if (key == '+' || key == '=' || key == '-')
        top_keys_change_interval(top, ui, key == '-' ? -1 : 1);
    else if (key == 'z')
        ui->zoom = (ui->zoom + 1) % ZOOMS;
    else if (key == 'g')
        top_keys_group(top, ui);
    else if (key == 's')
        top_keys_sample(top, ui);
    else if (key == TOP_KEY_ENTER)
        top_keys_open(top, ui);
    else if (key == TOP_KEY_ESCAPE || key == TOP_KEY_ERASE)
        top_keys_go_back(top, ui);
    else if (key == '<' || key == '>' || key == 'r' || key == TOP_KEY_LEFT || key == TOP_KEY_RIGHT)
        top_keys_order(ui, key, columns);
}

void top_keys_press(struct top *top, struct top_ui *ui, int key, int columns) {
    bool has_table = top_view_table(ui->view) != NULL;
    *ui->message = '\0';
    if (ui->mode == MODE_FILTER) {
        top_keys_filter(ui, key);
        return;
    }
    if (ui->mode == MODE_VIEW ? has_table && top_keys_move(ui, key)
                              : top_keys_scroll(&ui->first, key, ui->page))
        return;
    if (ui->mode == MODE_STACK && key == TOP_KEY_ENTER)
        ui->mode = MODE_VIEW;
    else if (!top_keys_choose_view(top, ui, key))
        top_keys_command(top, ui, key, columns);
}
