/* The summary as text and as JSON. The library and the command print it with the same functions. */
#ifndef MALLOW_SUMMARY_TEXT_H
#define MALLOW_SUMMARY_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "mallow_page.h"

/* What is added to the counts of a call page. */
struct summary {
    const struct mallow_call_page *page;
    uint64_t resident_bytes, resident_peak_bytes; /* 0: not known */
    bool peak_of_children; /* the peak is that of the largest process among it and its children */
    const char *ended_as;  /* the program's name when it ended, where that is another; or NULL */
    const char *cut_short; /* why the resident memory at the end is not known, or NULL */
    uint32_t goes_on;      /* a process that it has started and that has not ended, or 0 */
    const char *missing;   /* NULL, or why there are no counts: `page` names the process alone */
};

/* What is `missing` where the program's blocks are not Mallow's; NULL where they are. */
const char *summary_other_heap(const struct mallow_call_page *page);

void summary_add_text(struct text *t, const struct summary *summary);

/* One object, in a line. Figures that are not known are null. */
void summary_add_json(struct text *t, const struct summary *summary);

#endif
