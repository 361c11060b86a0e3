/* The figures as text: what malloc_stats and malloc_info write, and the same as JSON. Whoever calls
 * these flushes the text. */
#ifndef MALLOW_PRINT_H
#define MALLOW_PRINT_H

#include <stdint.h>

#include "base/text.h"
#include "process/stats.h"

/* In libc's format. */
void print_stats(struct text *t, const struct mallow_stats *s);

/* The XML of libc, with one more element at its end, <mallow>. */
void print_info(struct text *t, const struct mallow_stats *s);

/* One object, in a line: the fields of struct mallow_stats by their names. */
void print_json(struct text *t, const struct mallow_stats *s);

/* "name":value */
void print_json_field(struct text *t, const char *name, uint64_t value);

#endif
