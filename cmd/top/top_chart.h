/* Curves over time. */
#ifndef MALLOW_TOP_CHART_H
#define MALLOW_TOP_CHART_H

#include "top/top.h"
#include "top/top_paper.h"

/* Returns the width of a column in ms such that each has a round. */
int64_t top_chart_step(const struct top *top, int zoom);

/* Draws a curve of one row, from 0 to its maximum, and returns that. A negative value is unknown.
 */
double top_chart_line(struct top_paper *paper, int row, int column, enum top_style style,
                      const double *values, int width);

/* Draws the axis of the time. */
void top_chart_axis(struct top_paper *paper, int row, int column, int width, int64_t step);

/* Draws live and resident memory, one in front of the other, with their scale and the axis. */
void top_chart_memory(struct top_paper *paper, int row, int rows, int columns,
                      const struct top_history *history, int64_t now, int64_t step);

#endif
