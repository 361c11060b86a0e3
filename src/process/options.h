/*
 * The parser of all settings: MALLOW_OPTIONS, the variables and tunables that glibc documents, and
 * mallopt. The table of options (option_table.h) says which settings there are and what they do.
 */
#ifndef MALLOW_OPTIONS_H
#define MALLOW_OPTIONS_H

#include <stdbool.h>

/* Reads MALLOW_OPTIONS, MALLOC_*_ and GLIBC_TUNABLES. A program that gained privileges ignores
 * them and removes them from its environment. */
void options_read(void);

/* Returns true if MALLOW_OPTIONS contains backend=brk. The first allocation needs the answer. It
 * may come before options_read, and even from the loader before libc knows the environment; in that
 * case the setting is ignored. */
bool options_backend_is_break(void);

/* Implements mallopt. Returns 1, or 0 if the value is out of the parameter's range. */
int options_mallopt(int parameter, int value);

/* Stops the counting of calls. No summary is printed. */
void options_end_summary(void);

/* Starts or stops the tracing of calls (mtrace). */
void options_trace(bool wanted);

/* Turns sampling on or off in all threads that allocate and free, and waits for them for a moment.
 */
void options_sample(bool wanted);

/* Turns check=full on, unless check=hard is already on. With `pedantic`, each call checks all
 * blocks. Neither can be turned off again. */
void options_check(bool pedantic);

#endif
