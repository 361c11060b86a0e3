#include "top/top_chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "top/top_text.h"

/* The lower eighths of a cell, and characters of about the same weight. */
static const char *const top_chart_blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const top_chart_signs[] = {" ", ".", ".", ":", ":", "+", "+", "#", "#"};

/* `share` is the part of the cell that is filled. */
static const char *top_chart_level(const struct top_paper *paper, double share) {
    int eighths = share <= 0 ? 0 : share >= 1 ? 8 : (int)ceil(share * 8);
    return (paper->has_blocks ? top_chart_blocks : top_chart_signs)[eighths];
}

int64_t top_chart_step(const struct top *top, int zoom) {
    int64_t step = top->interval < 100 ? 100 : top->interval;
    for (; zoom > 0; zoom--) step *= 4;
    return step;
}

double top_chart_line(struct top_paper *paper, int row, int column, enum top_style style,
                      const double *values, int width) {
    double maximum = 0;
    for (int i = 0; i < width; i++) maximum = fmax(maximum, values[i]);
    for (int i = 0; i < width; i++)
        top_paper_put(paper, row, column + i, 1, style,
                      values[i] < 0 || maximum <= 0 ? " "
                                                    : top_chart_level(paper, values[i] / maximum));
    return maximum;
}

/* ---- the axis ---- */

#define TICK_COLUMNS 15

/* The labels are to the right of the ticks of the age that they name. */
void top_chart_axis(struct top_paper *paper, int row, int column, int width, int64_t step) {
    top_paper_put_right(paper, row, column, width, STYLE_DIM, "now");
    for (int age = TICK_COLUMNS; age <= width; age += TICK_COLUMNS) {
        char label[40];
        struct top_text time = top_text_seconds((double)(age * step) / 1000);
        char *fraction = strstr(time.text, ".0s");
        if (fraction != NULL) memcpy(fraction, "s", sizeof "s");
        snprintf(label, sizeof label, "%s-%s", paper->has_blocks ? "╵" : "'", time.text);
        top_paper_put(paper, row, column + width - age, TICK_COLUMNS - 4, STYLE_DIM, label);
    }
}

/* ---- live and resident memory ---- */

#define SCALE_COLUMNS 8

/* Draws a cell whose lower end is `base` cells above the axis. The resident memory that is not live
 * is drawn above the live one. */
static void top_chart_cell(struct top_paper *paper, int row, int column, double live,
                           double resident, int base) {
    double share = live - base;
    if (share < 0.5 && resident - base >= 0.5)
        top_paper_put(paper, row, column, 1, STYLE_RESIDENT, paper->has_blocks ? "░" : "-");
    else if (share > 0)
        top_paper_put(paper, row, column, 1, STYLE_LIVE, top_chart_level(paper, share));
}

static void top_chart_scale(struct top_paper *paper, int row, int rows, double maximum) {
    for (int i = 0; i < rows; i += rows > 6 ? (rows + 1) / 3 : rows > 1 ? rows - 1 : 1) {
        double value = maximum * (rows - i) / rows;
        top_paper_put_right(paper, row + i, 0, SCALE_COLUMNS - 1, STYLE_DIM,
                            top_text_bytes(value).text);
    }
}

void top_chart_memory(struct top_paper *paper, int row, int rows, int columns,
                      const struct top_history *history, int64_t now, int64_t step) {
    int height = rows - 1, width = columns - SCALE_COLUMNS;
    if (height < 1 || width < 4) return;
    struct top_moment *moments = xcalloc((size_t)width, sizeof *moments);
    double maximum = 1;
    top_history_columns(history, now, step, moments, (size_t)width);
    for (int i = 0; i < width; i++)
        maximum = fmax(maximum, (double)(moments[i].resident > moments[i].live ? moments[i].resident
                                                                               : moments[i].live));
    for (int i = 0; i < width; i++)
        for (int base = 0; base < height; base++)
            top_chart_cell(paper, row + height - 1 - base, SCALE_COLUMNS + i,
                           (double)moments[i].live / maximum * height,
                           (double)moments[i].resident / maximum * height, base);
    top_chart_scale(paper, row, height, maximum);
    top_chart_axis(paper, row + height, SCALE_COLUMNS, width, step);
    free(moments);
}
