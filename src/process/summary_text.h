/* The summary as text and as JSON. The library and the command use the same functions. */
#ifndef MALLOW_SUMMARY_TEXT_H
#define MALLOW_SUMMARY_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "mallow_page.h"

/* A call page, and what is known in addition to its counts. */
struct summary {
    const struct mallow_call_page *page;
    uint64_t resident_bytes, resident_peak_bytes; /* 0: unknown */
    bool peak_of_children;  /* the peak is the largest of the process and its children */
    const char *ended_as;   /* the program's name at its end, if it has changed, or NULL */
    const char *cut_short;  /* why the resident memory at the end is not known, or NULL */
    uint32_t still_running; /* a process that it has started and that is still running, or 0 */
    const char *missing;    /* NULL, or why there are no counts */
};

/* Returns the text for `missing` if the program's blocks are not Mallow's, or NULL if they are. */
const char *summary_other_heap(const struct mallow_call_page *page);

void summary_add_text(struct text *t, const struct summary *summary);

/* Adds one JSON object in one line. Unknown figures are null. */
void summary_add_json(struct text *t, const struct summary *summary);

#endif
