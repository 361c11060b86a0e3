/* Prints the figures as malloc_stats and malloc_info do, and as JSON. The caller flushes the
 * text. */
#ifndef MALLOW_PRINT_H
#define MALLOW_PRINT_H

#include <stdint.h>

#include "base/text.h"
#include "process/stats.h"

/* Adds the text of malloc_stats, in libc's format. */
void print_stats(struct text *t, const struct mallow_stats *s);

/* Adds the XML of malloc_info, in libc's format with one more element, <mallow>, at the end. */
void print_info(struct text *t, const struct mallow_stats *s);

/* Adds one JSON object in one line: the fields of struct mallow_stats by name. */
void print_json(struct text *t, const struct mallow_stats *s);

/* Adds "name":value. */
void print_json_field(struct text *t, const char *name, uint64_t value);

#endif
