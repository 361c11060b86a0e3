/* The text of `mallow replay`. */
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/command.h"
#include "proc/amount.h"
#include "replay/replay_report.h"

#define CHART_COLUMNS 56

/* ---- the table ---- */

static const struct print_column {
    const char *title;
    enum replay_figure figure;
    const char *unit; /* NULL: bytes */
} print_columns[] = {
    {"PEAK", REPLAY_PEAK, NULL},
    {"MEAN", REPLAY_MEAN, NULL},
    {"CALL", REPLAY_CALL, "ns"},
    {"FIRST USE", REPLAY_TOUCH, "ns"},
    {"99.99 % BELOW", REPLAY_SLOWEST, "us"},
    {"FAULTS", REPLAY_FAULTS, ""},
};

#define PRINT_COLUMNS (sizeof print_columns / sizeof print_columns[0])

static void print_figure(const struct replay_results *results, const struct print_column *column) {
    struct replay_estimate estimate = replay_estimate(results, column->figure);
    char text[64], error[32] = "";
    double share = estimate.mean == 0 ? 0 : 100 * estimate.error / estimate.mean;
    if (column->unit == NULL)
        snprintf(text, sizeof text, "%s", amount_of((unsigned long long)estimate.mean).text);
    else if (strcmp(column->unit, "us") == 0)
        snprintf(text, sizeof text, "%.1f us", estimate.mean / 1000);
    else if (column->figure == REPLAY_FAULTS)
        snprintf(text, sizeof text, "%.0f", estimate.mean);
    else
        snprintf(text, sizeof text, "%.1f %s", estimate.mean, column->unit);
    if (results->count > 1) snprintf(error, sizeof error, "+-%.*f%%", share < 9.5, share);
    printf(" %11s %-7s", text, error);
}

static size_t print_name_width(const struct replay_report *report) {
    size_t width = strlen("ALLOCATOR");
    for (size_t i = 0; i < report->allocators.count; i++) {
        size_t length = strlen(report->allocators.list[i].name);
        if (length > width) width = length;
    }
    return width;
}

static void print_table(const struct replay_report *report, int width) {
    printf("%-*s", width, "ALLOCATOR");
    for (size_t i = 0; i < PRINT_COLUMNS; i++) printf(" %11s %-7s", print_columns[i].title, "");
    putchar('\n');
    for (size_t i = 0; i < report->allocators.count; i++) {
        const struct replay_allocator *allocator = &report->allocators.list[i];
        printf("%-*s", width, allocator->name);
        for (size_t k = 0; k < PRINT_COLUMNS; k++)
            print_figure(&allocator->results, &print_columns[k]);
        putchar('\n');
    }
}

/* ---- the chart ---- */

static double print_chart_top(const struct replay_report *report) {
    double top = 1;
    for (size_t i = 0; i <= report->allocators.count; i++)
        for (unsigned part = 0; part < CHART_COLUMNS; part++)
            top = fmax(
                top, replay_part(report,
                                 i == report->allocators.count ? NULL : &report->allocators.list[i],
                                 part, CHART_COLUMNS));
    return top;
}

static void print_chart_line(const struct replay_report *report, const char *name, int width,
                             const struct replay_allocator *allocator, double top) {
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const letters[] = {" ", "1", "2", "3", "4", "5", "6", "7", "8"};
    const char *const *marks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? blocks : letters;
    printf("%-*s ", width, name);
    for (unsigned part = 0; part < CHART_COLUMNS; part++) {
        double value = replay_part(report, allocator, part, CHART_COLUMNS);
        printf("%s", marks[value <= 0 ? 0 : (int)ceil(fmin(value / top, 1) * 8)]);
    }
    putchar('\n');
}

static void print_chart(const struct replay_report *report, int width) {
    double top = print_chart_top(report);
    printf("\nResident memory of the allocator over %.2f s, up to %s:\n",
           (double)report->program.duration / 1e9, amount_of((unsigned long long)top).text);
    if (report->comparison.is_known) print_chart_line(report, "(recorded)", width, NULL, top);
    for (size_t i = 0; i < report->allocators.count; i++)
        print_chart_line(report, report->allocators.list[i].name, width,
                         &report->allocators.list[i], top);
}

void replay_print(const struct replay_report *report) {
    setlocale(LC_CTYPE, "");
    int width = (int)print_name_width(report);
    printf("%llu calls in %u thread%s, %zu run%s on each allocator; at most %s are live\n\n",
           (unsigned long long)report->program.calls, report->program.head->threads,
           plural(report->program.head->threads), report->allocators.list[0].results.count,
           plural(report->allocators.list[0].results.count),
           amount_of(report->program.live_peak).text);
    print_table(report, width);
    print_chart(report, width);
    printf("\n%s%s\n%s\n", report->check, report->left != NULL ? report->left : "",
           report->verdict);
    if (report->advice != NULL) printf("%s\n", report->advice);
}
