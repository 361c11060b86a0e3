/* The head of the sheet: the totals of the process and their curves, or the sums of all processes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "proc/proc.h"
#include "top/top_chart.h"
#include "top/top_view.h"

/* The curves begin in this column, if there is room for this many. */
#define CURVE_COLUMN 45
#define CURVE_COLUMNS_MIN 12

/* ---- the first row ---- */

static const char *top_head_sampling(const struct top_process *process) {
    static char text[64];
    if (process == NULL || process->sampling == SAMPLING_UNKNOWN) return "";
    if (process->sampling == SAMPLING_OFF) return "sampling off  ";
    double bytes = process->sites.sample_bytes != 0 ? (double)process->sites.sample_bytes
                                                    : (double)TOP_SAMPLE_BYTES;
    snprintf(text, sizeof text, "1 sample in %s%s  ", top_text_bytes(bytes).text,
             process->is_sampled_by_us ? " (s: off)" : "");
    return text;
}

/* Returns the seconds that the process has run. */
static double top_head_age(const struct top_process *process) {
    return (double)process->time / 1000 - (double)process->started / (double)sysconf(_SC_CLK_TCK);
}

static void top_head_title(const struct top *top, const struct top_process *process,
                           struct top_paper *paper) {
    char right[128];
    const char *state = process != NULL && process->has_ended ? "ENDED" : "PAUSED";
    bool is_marked = top->is_paused || (process != NULL && process->has_ended);
    snprintf(right, sizeof right, "%severy %s%s", top_head_sampling(process),
             top_text_seconds((double)top->interval / 1000).text, is_marked ? "  " : "");
    int width =
        paper->columns >= 60 ? (int)strlen(right) + (is_marked ? (int)strlen(state) : 0) : 0;
    int at = top_paper_print(paper, 0, 0, STYLE_BOLD, "mallow top");
    if (process != NULL) {
        char *name = xasprintf("%d %s", (int)process->pid, process->name);
        at +=
            2 + top_paper_put(paper, 0, at + 2, paper->columns - at - width - 4, STYLE_BOLD, name);
        free(name);
    } else {
        char *count = xasprintf("%zu process%s", top->count, top->count == 1 ? "" : "es");
        at +=
            2 + top_paper_put(paper, 0, at + 2, paper->columns - at - width - 4, STYLE_BOLD, count);
        free(count);
    }
    if (process != NULL && process->has_figures && paper->columns - width - at > 14)
        top_paper_print(paper, 0, at + 2, STYLE_PLAIN, "up %s",
                        top_text_seconds(top_head_age(process)).text);
    if (width == 0) return;
    top_paper_put(paper, 0, paper->columns - width, width, STYLE_PLAIN, right);
    if (is_marked)
        top_paper_put_right(paper, 0, paper->columns - (int)strlen(state), (int)strlen(state),
                            STYLE_WARNING, state);
}

/* ---- one process ---- */

static void top_head_amount(struct top_paper *paper, int row, int column, enum top_style style,
                            const char *label, struct top_text amount) {
    top_paper_put(paper, row, column, 10, STYLE_PLAIN, label);
    top_paper_put_right(paper, row, column + 10, 6, style, amount.text);
}

static void top_head_live(struct top_paper *paper, int row, const struct top_process *process) {
    const struct mallow_stats *stats = &process->stats;
    top_head_amount(paper, row, 0, STYLE_LIVE, "live",
                    top_text_bytes((double)top_live_bytes(stats)));
    if (process->has_earlier)
        top_paper_print(paper, row, 17, STYLE_PLAIN, "%7s/s",
                        top_text_change(top_change(process, top_live_bytes(&process->earlier),
                                                   top_live_bytes(stats)))
                            .text);
    top_paper_print(paper, row, 28, STYLE_PLAIN, "peak seen %6s",
                    top_text_bytes((double)process->live_peak).text);
}

static void top_head_resident(struct top_paper *paper, int row, const struct top_process *process) {
    top_head_amount(paper, row, 0, STYLE_RESIDENT, "resident",
                    top_text_bytes((double)process->resident));
    if (process->has_earlier)
        top_paper_print(
            paper, row, 17, STYLE_PLAIN, "%7s/s",
            top_text_change(top_change(process, process->resident_earlier, process->resident))
                .text);
    top_paper_print(paper, row, 28, STYLE_PLAIN, "peak      %6s",
                    top_text_bytes((double)process->resident_peak).text);
}

static void top_head_rate(struct top_paper *paper, int row, const struct top_process *process) {
    const struct top_site *total = &process->sites.total;
    top_paper_put(paper, row, 0, 10, STYLE_PLAIN, "allocated");
    if (process->sampling != SAMPLING_ON) {
        top_paper_put(paper, row, 10, 34, STYLE_DIM, "unknown without samples (s)");
        return;
    }
    if (!process->sites.has_rates) {
        top_paper_put(paper, row, 10, 34, STYLE_DIM, "not known yet");
        return;
    }
    top_paper_put_right(paper, row, 10, 6, STYLE_RATE, top_text_bytes(total->rate).text);
    top_paper_print(paper, row, 16, STYLE_PLAIN, "/s %6s  %6s calls/s",
                    top_text_error(total->rate, total->rate_variance).text,
                    top_text_count(total->call_rate).text);
}

static void top_head_free(struct top_paper *paper, int row, const struct top_process *process) {
    const struct mallow_stats *stats = &process->stats;
    top_head_amount(paper, row, 0, STYLE_PLAIN, "cached",
                    top_text_bytes((double)stats->cached_bytes));
    top_paper_print(paper, row, 18, STYLE_PLAIN, "free %6s",
                    top_text_bytes((double)(stats->free_bytes + stats->dirty_bytes)).text);
    top_paper_print(paper, row, 31, STYLE_PLAIN, "blocks %6s",
                    top_text_count((double)top_live_blocks(stats)).text);
}

static void top_head_curves(const struct top *top, const struct top_process *process,
                            const struct top_ui *ui, struct top_paper *paper, int row) {
    int width = paper->columns - CURVE_COLUMN;
    int64_t step = top_chart_step(top, ui->zoom);
    if (width < CURVE_COLUMNS_MIN) return;
    struct top_moment *moments = xcalloc((size_t)width, sizeof *moments);
    double *values = xcalloc((size_t)width, sizeof *values);
    top_history_columns(&process->history, process->time, step, moments, (size_t)width);
    for (int i = 0; i < width; i++) values[i] = (double)moments[i].live;
    top_chart_line(paper, row, CURVE_COLUMN, STYLE_LIVE, values, width);
    for (int i = 0; i < width; i++) values[i] = (double)moments[i].resident;
    top_chart_line(paper, row + 1, CURVE_COLUMN, STYLE_RESIDENT, values, width);
    for (int i = 0; i < width; i++) values[i] = moments[i].time == 0 ? -1 : moments[i].rate;
    top_chart_line(paper, row + 2, CURVE_COLUMN, STYLE_RATE, values, width);
    top_chart_axis(paper, row + 3, CURVE_COLUMN, width, step);
    free(values);
    free(moments);
}

static int top_head_process(const struct top *top, const struct top_ui *ui, struct top_paper *paper,
                            bool has_curves) {
    const struct top_process *process = top->current;
    bool is_small = paper->rows < 12;
    if (!process->has_figures) {
        top_paper_put(paper, 1, 0, paper->columns, STYLE_DIM,
                      process->reason != NULL ? process->reason : "waiting for the first answer");
        return 2;
    }
    top_head_live(paper, 1, process);
    top_head_resident(paper, 2, process);
    if (is_small) return 3;
    top_head_rate(paper, 3, process);
    top_head_free(paper, 4, process);
    if (has_curves) top_head_curves(top, process, ui, paper, 1);
    return 5;
}

/* ---- all processes ---- */

static int top_head_sum(const struct top *top, struct top_paper *paper) {
    double live = 0, resident = 0, rate = 0, variance = 0;
    for (size_t i = 0; i < top->count; i++) {
        const struct top_process *process = top->list[i];
        if (process->has_ended) continue;
        live += (double)top_live_bytes(&process->stats);
        resident += (double)process->resident;
        rate += process->sites.total.rate;
        variance += process->sites.total.rate_variance;
    }
    top_paper_print(paper, 1, 0, STYLE_PLAIN,
                    "live %6s   resident %6s   allocated (where sampled) %6s/s %s",
                    top_text_bytes(live).text, top_text_bytes(resident).text,
                    top_text_bytes(rate).text, top_text_error(rate, variance).text);
    return 2;
}

int top_view_head(const struct top *top, const struct top_ui *ui, struct top_paper *paper,
                  bool has_curves) {
    bool is_of_all = ui->view == VIEW_PROCESSES || top->current == NULL;
    top_head_title(top, is_of_all ? NULL : top->current, paper);
    return is_of_all ? top_head_sum(top, paper) : top_head_process(top, ui, paper, has_curves);
}
