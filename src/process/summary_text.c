#include "process/summary_text.h"

#include <string.h>

static uint64_t summary_allocations(const struct mallow_call_page *page) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < page->row_count; i++) sum += page->rows[i].allocations;
    return sum;
}

static uint64_t summary_frees(const struct mallow_call_page *page) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < page->row_count; i++) sum += page->rows[i].frees;
    return sum;
}

/* A block that was allocated before calls were counted may be freed afterwards. */
static uint64_t summary_live_blocks(const struct mallow_size_calls *row) {
    return row->allocations > row->frees ? row->allocations - row->frees : 0;
}

static uint64_t summary_live_bytes(const struct mallow_size_calls *row) {
    return (int64_t)row->live_bytes > 0 ? row->live_bytes : 0;
}

struct live {
    uint64_t blocks, bytes, peak_bytes;
};

/* Adds up the rows, so that all lines agree even if the process ended in the middle of a call. */
static struct live summary_live(const struct mallow_call_page *page) {
    struct live live = {0};
    for (unsigned i = 0; i < page->row_count; i++) {
        live.blocks += summary_live_blocks(&page->rows[i]);
        live.bytes += summary_live_bytes(&page->rows[i]);
    }
    live.peak_bytes = page->live_peak_bytes > live.bytes ? page->live_peak_bytes : live.bytes;
    return live;
}

/* Replaces control characters, which must not reach a terminal: the program chooses its name. */
static void summary_add_name(struct text *t, const char *name, size_t size) {
    for (size_t i = 0; i < size && name[i] != '\0'; i++)
        text_add_bytes(t, name[i] >= ' ' && name[i] <= '~' ? name + i : "?", 1);
}

const char *summary_other_heap(const struct mallow_call_page *page) {
    return page->other_heap == 0
               ? NULL
               : "the program does not use Mallow's malloc, but its own or a sanitizer's";
}

/* ---- text ---- */

static void summary_add_kib(struct text *t, uint64_t bytes) {
    text_add_column(t, bytes / 1024 + (bytes % 1024 != 0), 10);
    text_add(t, " KiB");
}

static void summary_add_kib_if_known(struct text *t, uint64_t bytes) {
    if (bytes != 0)
        summary_add_kib(t, bytes);
    else
        text_add(t, "       unknown");
}

static void summary_add_heading(struct text *t, const struct summary *summary) {
    text_add(t, "== Mallow: memory of ");
    summary_add_name(t, summary->page->program, sizeof summary->page->program);
    text_add(t, ", process ");
    text_add_number(t, summary->page->pid);
    if (summary->ended_as != NULL) {
        text_add(t, ", which ended as ");
        summary_add_name(t, summary->ended_as, strlen(summary->ended_as));
    }
    text_add(t, "\n                     peak         at the end\n   resident");
    summary_add_kib_if_known(t, summary->resident_peak_bytes);
    text_add(t, "  ");
    summary_add_kib_if_known(t, summary->resident_bytes);
    if (summary->cut_short != NULL) {
        text_add(t, ": ");
        text_add(t, summary->cut_short);
    }
    text_add(t, "\n");
    if (summary->peak_of_children)
        text_add(t, "            (the peak of the process or of a larger child)\n");
}

static void summary_add_row(struct text *t, const struct mallow_size_calls *row) {
    if (row->allocations == 0 && row->frees == 0) return;
    if (row->bytes != UINT64_MAX)
        text_add_column(t, row->bytes, 13);
    else
        text_add(t, "       larger");
    text_add_column(t, row->allocations, 14);
    text_add_column(t, summary_live_blocks(row), 13);
    text_add_column(t, summary_live_bytes(row), 13);
    text_add(t, "\n");
}

static void summary_add_counts(struct text *t, const struct mallow_call_page *page) {
    struct live live = summary_live(page);
    text_add(t, "   live    ");
    summary_add_kib(t, live.peak_bytes);
    text_add(t, "  ");
    summary_add_kib(t, live.bytes);
    text_add(t, "  in ");
    text_add_count(t, live.blocks, "block");
    text_add(t, "\n   ");
    text_add_count(t, summary_allocations(page), "allocation");
    text_add(t, ", ");
    text_add_count(t, summary_frees(page), "free");
    text_add(t, "; by size:\n        bytes   allocations   still live   live bytes\n");
    for (unsigned i = 0; i < page->row_count; i++) summary_add_row(t, &page->rows[i]);
}

static void summary_add_other_process(struct text *t, uint32_t process) {
    text_add(t, "   process ");
    text_add_number(t, process);
    text_add(t, ", which it started, is still running: see 'mallow stats ");
    text_add_number(t, process);
    text_add(t, "'\n");
}

void summary_add_text(struct text *t, const struct summary *summary) {
    summary_add_heading(t, summary);
    if (summary->missing == NULL) {
        summary_add_counts(t, summary->page);
    } else {
        text_add(t, "   live           unknown         unknown: ");
        text_add(t, summary->missing);
        text_add(t, "\n");
    }
    if (summary->still_running != 0) summary_add_other_process(t, summary->still_running);
}

/* ---- JSON ---- */

static void summary_add_json_field(struct text *t, const char *name, uint64_t value, bool known) {
    text_add(t, "\"");
    text_add(t, name);
    text_add(t, "\":");
    if (known)
        text_add_number(t, value);
    else
        text_add(t, "null");
}

static void summary_add_json_bool(struct text *t, const char *name, bool value) {
    text_add(t, "\"");
    text_add(t, name);
    text_add(t, value ? "\":true" : "\":false");
}

static void summary_add_json_row(struct text *t, const struct mallow_size_calls *row) {
    text_add(t, "{");
    summary_add_json_field(t, "size", row->bytes, row->bytes != UINT64_MAX);
    text_add(t, ",");
    summary_add_json_field(t, "allocations", row->allocations, true);
    text_add(t, ",");
    summary_add_json_field(t, "live_blocks", summary_live_blocks(row), true);
    text_add(t, ",");
    summary_add_json_field(t, "live_bytes", summary_live_bytes(row), true);
    text_add(t, "}");
}

static void summary_add_json_rows(struct text *t, const struct mallow_call_page *page) {
    const char *separator = "";
    for (unsigned i = 0; i < page->row_count; i++) {
        if (page->rows[i].allocations == 0 && page->rows[i].frees == 0) continue;
        text_add(t, separator);
        summary_add_json_row(t, &page->rows[i]);
        separator = ",";
    }
}

void summary_add_json(struct text *t, const struct summary *summary) {
    const struct mallow_call_page *page = summary->page;
    struct live live = summary_live(page);
    bool counted = summary->missing == NULL;
    const struct {
        const char *name;
        uint64_t value;
        bool known;
    } fields[] = {
        {"pid", page->pid, true},
        {"resident_peak_bytes", summary->resident_peak_bytes, summary->resident_peak_bytes != 0},
        {"resident_bytes", summary->resident_bytes, summary->resident_bytes != 0},
        {"live_peak_bytes", live.peak_bytes, counted},
        {"live_bytes", live.bytes, counted},
        {"live_blocks", live.blocks, counted},
        {"allocations", summary_allocations(page), counted},
        {"frees", summary_frees(page), counted},
    };
    text_add(t, "{");
    summary_add_json_bool(t, "resident_peak_of_children", summary->peak_of_children);
    text_add(t, ",");
    for (unsigned i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        summary_add_json_field(t, fields[i].name, fields[i].value, fields[i].known);
        text_add(t, ",");
    }
    text_add(t, "\"classes\":[");
    if (counted) summary_add_json_rows(t, page);
    text_add(t, "]}\n");
}
