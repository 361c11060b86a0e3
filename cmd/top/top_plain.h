/* mallow top without a terminal: lines of text, or an object of JSON, for each round. */
#ifndef MALLOW_TOP_PLAIN_H
#define MALLOW_TOP_PLAIN_H

#include "top/top_view.h"

struct top_plain_settings {
    enum top_view view;
    unsigned long rounds; /* 0: without end */
    unsigned long rows;   /* of a table; 0: all */
    bool json;
};

/* Prints rounds until all processes that the user has named have ended. Returns the number of the
 * signal that has ended it, or 0. */
int top_plain_run(struct top *top, const struct top_plain_settings *settings);

/* Prints a round as JSON (top_json.c). */
void top_json_print(struct top *top, unsigned long rows);

#endif
