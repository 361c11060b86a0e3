/* The page of `mallow replay -o FILE`: the figures, and a chart as SVG. It needs no other file. */
#include <math.h>
#include <stdio.h>

#include "common/output.h"
#include "proc/amount.h"
#include "replay/replay_report.h"

#define PAGE_POINTS 400u
#define PAGE_WIDTH 900.0
#define PAGE_HEIGHT 320.0

static const char page_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<title>mallow replay</title><style>"
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:right;padding:.2rem .6rem;"
    "border-bottom:1px solid #8884}td:first-child,th:first-child{text-align:left}"
    "svg{width:100%;height:auto}polyline{fill:none;stroke-width:2}"
    "text{font:12px system-ui,sans-serif;fill:currentColor}.axis{stroke:#8888}"
    "i{display:inline-block;width:1em;height:.3em;vertical-align:middle;margin-right:.5em}"
    "</style></head><body>\n";

/* Colours that differ for most people with colour blindness, too. */
static const char *const page_colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                           "#e69f00", "#56b4e9", "#8c6d00", "#7f7fff"};
#define PAGE_COLOURS (sizeof page_colours / sizeof page_colours[0])

static void page_text(FILE *to, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", to);
        else if (*text == '&')
            fputs("&amp;", to);
        else if (*text == '"')
            fputs("&quot;", to);
        else
            putc(*text, to);
    }
}

static void page_paragraph(FILE *to, const char *tag, const char *text) {
    if (text == NULL) return;
    fprintf(to, "<%s>", tag);
    page_text(to, text);
    fprintf(to, "</%s>\n", tag);
}

/* ---- the chart ---- */

static double page_top(const struct replay_report *report) {
    double top = 1;
    for (unsigned part = 0; part < PAGE_POINTS; part++) {
        top = fmax(top, replay_part(report, NULL, part, PAGE_POINTS));
        for (size_t i = 0; i < report->allocators.count; i++)
            top = fmax(top, replay_part(report, &report->allocators.list[i], part, PAGE_POINTS));
    }
    return top;
}

static void page_line(FILE *to, const struct replay_report *report,
                      const struct replay_allocator *allocator, const char *style, double top) {
    fprintf(to, "<polyline %s points=\"", style);
    for (unsigned part = 0; part < PAGE_POINTS; part++) {
        double value = replay_part(report, allocator, part, PAGE_POINTS);
        if (value < 0) continue;
        fprintf(to, "%.1f,%.1f ", PAGE_WIDTH * part / (PAGE_POINTS - 1),
                PAGE_HEIGHT * (1 - value / top));
    }
    fputs("\"/>\n", to);
}

static void page_chart(FILE *to, const struct replay_report *report) {
    double top = page_top(report);
    fprintf(to,
            "<svg viewBox=\"-4 -20 %.0f %.0f\" role=\"img\" aria-label=\"resident memory over "
            "time\">\n",
            PAGE_WIDTH + 8, PAGE_HEIGHT + 44);
    fprintf(to, "<line class=\"axis\" x1=\"0\" y1=\"%.0f\" x2=\"%.0f\" y2=\"%.0f\"/>\n",
            PAGE_HEIGHT, PAGE_WIDTH, PAGE_HEIGHT);
    fprintf(to,
            "<text x=\"0\" y=\"-6\">%s</text><text x=\"0\" y=\"%.0f\">0 s</text>"
            "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%.2f s</text>\n",
            amount_of((unsigned long long)top).text, PAGE_HEIGHT + 18, PAGE_WIDTH, PAGE_HEIGHT + 18,
            (double)report->program.duration / 1e9);
    if (report->comparison.is_known)
        page_line(to, report, NULL, "stroke=\"currentColor\" stroke-dasharray=\"4 4\"", top);
    for (size_t i = 0; i < report->allocators.count; i++) {
        char style[64];
        snprintf(style, sizeof style, "stroke=\"%s\"", page_colours[i % PAGE_COLOURS]);
        page_line(to, report, &report->allocators.list[i], style, top);
    }
    fputs("</svg>\n<p>Resident memory of the allocator; dashed: as recorded.</p>\n", to);
}

/* ---- the table ---- */

static void page_figure(FILE *to, const struct replay_results *results, enum replay_figure figure) {
    struct replay_estimate estimate = replay_estimate(results, figure);
    double share = estimate.mean == 0 ? 0 : 100 * estimate.error / estimate.mean;
    if (figure == REPLAY_PEAK || figure == REPLAY_MEAN)
        fprintf(to, "<td>%s", amount_of((unsigned long long)estimate.mean).text);
    else
        fprintf(to, "<td>%.*f", estimate.mean < 1000, estimate.mean);
    fprintf(to, " ± %.1f %%</td>", share);
}

static void page_table(FILE *to, const struct replay_report *report) {
    fputs(
        "<table><tr><th>allocator</th><th>peak</th><th>mean</th><th>call, ns</th>"
        "<th>first use, ns</th><th>99.99 % below, ns</th><th>page faults</th></tr>\n",
        to);
    for (size_t i = 0; i < report->allocators.count; i++) {
        const struct replay_allocator *allocator = &report->allocators.list[i];
        fprintf(to, "<tr><td><i style=\"background:%s\"></i>", page_colours[i % PAGE_COLOURS]);
        page_text(to, allocator->name);
        fputs("</td>", to);
        for (int figure = 0; figure < REPLAY_FIGURES; figure++)
            page_figure(to, &allocator->results, (enum replay_figure)figure);
        fputs("</tr>\n", to);
    }
    fputs("</table>\n", to);
}

void replay_write_page(const struct replay_report *report, const char *path) {
    struct output output = output_open(path);
    fputs(page_head, output.to);
    fputs("<h1>", output.to);
    page_text(output.to, report->file);
    fputs("</h1>\n", output.to);
    page_paragraph(output.to, "h2", report->verdict);
    page_paragraph(output.to, "p", report->advice);
    page_chart(output.to, report);
    page_table(output.to, report);
    page_paragraph(output.to, "p", report->check);
    page_paragraph(output.to, "p", report->left);
    fputs("</body></html>\n", output.to);
    output_close(&output);
}
