/* The stack of a site. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "sites/site_print.h"
#include "top/top_names.h"
#include "top/top_view.h"

static const struct top_site *top_view_stack_site(const struct top_process *process,
                                                  uint32_t number) {
    uint32_t index = index_map_find(&process->sites.numbers, (uint64_t)number + 1);
    return index == 0 ? NULL : &process->sites.list[index - 1];
}

static void top_view_stack_figures(const struct top_process *process, const struct top_site *site,
                                   struct top_paper *paper, int row) {
    top_paper_print(
        paper, row, 0, STYLE_PLAIN, "live %s %s in %s block%s   allocated %s in %s call%s   %s/s",
        top_text_bytes(site->live.bytes).text,
        top_text_error(site->live.bytes, site->live.variance).text,
        top_text_count(site->live.blocks).text, site_plural(site->live.blocks),
        top_text_bytes(site->allocated.bytes).text, top_text_count(site->allocated.blocks).text,
        site_plural(site->allocated.blocks),
        process->sites.has_rates ? top_text_bytes(site->rate).text : "?");
}

void top_view_stack(struct top *top, struct top_ui *ui, struct top_paper *paper, int row,
                    int rows) {
    struct top_process *process = top->current;
    if (process == NULL || process->profile == NULL || rows < 2) return;
    const struct top_site *site = top_view_stack_site(process, ui->stack);
    if (site != NULL && site->is_present) top_view_stack_figures(process, site, paper, row);
    if (top_names_stack(process->names, ui->stack) == 0)
        top_names_look_up(process->names, process->profile, &ui->stack, 1);
    const struct stacks *stacks = top_names_stacks(process->names);
    uint32_t stack = top_names_stack(process->names, ui->stack);
    top_paper_put(paper, row + 1, 0, paper->columns, STYLE_TITLE,
                  "CALLED BY (the innermost function first; Esc: back)");
    top_paper_mark(paper, row + 1, 0, paper->columns, STYLE_TITLE);
    size_t depth = 0, fit = (size_t)rows - 2;
    for (uint32_t at = stack; at != 0 && depth < STACK_DEPTH_MAX; at = stacks->list[at].caller)
        depth++;
    if (ui->first + fit > depth) ui->first = depth > fit ? depth - fit : 0;
    size_t i = 0;
    for (uint32_t at = stack; at != 0 && i < depth; at = stacks->list[at].caller, i++) {
        const struct stack_frame *frame = &stacks->frames[stacks->list[at].frame];
        if (i < ui->first || i >= ui->first + fit) continue;
        char *title = site_frame_title(stacks, frame, false);
        char *line = xasprintf("%3zu  %s%s", i, title, frame->inlined ? ", inlined" : "");
        top_paper_put(paper, row + 2 + (int)(i - ui->first), 0, paper->columns,
                      frame == stacks_headline(stacks, stack) ? STYLE_BOLD : STYLE_PLAIN, line);
        free(line);
        free(title);
    }
    if (depth == 0)
        top_paper_put(paper, row + 2, 0, paper->columns, STYLE_DIM, "The stack is unknown.");
}
