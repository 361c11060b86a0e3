/* The view of the whole process: live and resident memory over time, and what the resident memory
 * holds. */
#include <stdio.h>
#include <string.h>

#include "top/top_chart.h"
#include "top/top_view.h"

enum { SHARES = 8 };

struct top_overview_share {
    const char *label;
    uint64_t bytes;
    enum top_style style;
};

/* Blocks with their own mapping count as resident as the kernel says. */
static int top_overview_shares(const struct top_process *process,
                               struct top_overview_share shares[SHARES]) {
    const struct mallow_stats *stats = &process->stats;
    uint64_t live =
        stats->resident_live_bytes + stats->resident_mapping_bytes + stats->resident_guarded_bytes;
    const struct top_overview_share all[] = {
        {"live blocks", live, STYLE_LIVE},
        {"free, pinned", stats->pinned_bytes, STYLE_WARNING},
        {"thread caches", stats->resident_cached_bytes, STYLE_PLAIN},
        {"quarantine", stats->resident_held_bytes, STYLE_PLAIN},
        {"free pages", stats->trimmable_bytes, STYLE_PLAIN},
        {"never used", stats->surplus_bytes, STYLE_PLAIN},
        {"metadata", stats->resident_metadata_bytes, STYLE_PLAIN},
    };
    uint64_t left = process->resident;
    int count = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].bytes == 0) continue;
        shares[count++] = all[i];
        left -= all[i].bytes < left ? all[i].bytes : left;
    }
    shares[count++] = (struct top_overview_share){"code, stacks", left, STYLE_RESIDENT};
    return count;
}

static void top_overview_bar(struct top_paper *paper, int row,
                             const struct top_overview_share *share, uint64_t whole) {
    double part = whole == 0 ? 0 : (double)share->bytes / (double)whole;
    int column = 32, width = paper->columns - column - 1;
    if (part > 1) part = 1;
    top_paper_put(paper, row, 0, 15, STYLE_PLAIN, share->label);
    top_paper_put_right(paper, row, 16, 6, share->style, top_text_bytes((double)share->bytes).text);
    top_paper_print(paper, row, 23, STYLE_PLAIN, "%5.1f%%", part * 100);
    if (width < 4) return;
    top_paper_put(paper, row, column - 1, 1, STYLE_BOLD, "[");
    for (int i = 0; i < (int)(part * (width - 1) + 0.5); i++)
        top_paper_put(paper, row, column + i, 1, share->style, "|");
    top_paper_put(paper, row, paper->columns - 1, 1, STYLE_BOLD, "]");
}

void top_view_overview(const struct top *top, const struct top_ui *ui, struct top_paper *paper,
                       int row, int rows) {
    struct top_overview_share shares[SHARES];
    const struct top_process *process = top->current;
    if (process == NULL || !process->has_figures) return;
    int count = top_overview_shares(process, shares);
    int curve = rows - count - 2, end = row + rows;
    if (curve >= 4) {
        int at = top_paper_print(paper, row, 0, STYLE_TITLE, "OVER TIME  ");
        top_paper_mark(paper, row, 0, paper->columns, STYLE_TITLE);
        top_paper_put(paper, row, at, paper->columns - at, STYLE_TITLE,
                      paper->has_blocks ? "█ live  ░ resident" : "# live  - resident");
        top_chart_memory(paper, row + 1, curve, paper->columns, &process->history, process->time,
                         top_chart_step(top, ui->zoom));
        row += curve + 1;
    }
    if (row < end) {
        top_paper_put(paper, row, 0, paper->columns, STYLE_TITLE, "WHAT THE RESIDENT MEMORY HOLDS");
        top_paper_mark(paper, row++, 0, paper->columns, STYLE_TITLE);
    }
    for (int i = 0; i < count && row < end; i++)
        top_overview_bar(paper, row++, &shares[i], process->resident);
}
