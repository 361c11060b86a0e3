/*
 * The parser of all settings: MALLOW_OPTIONS, the variables and tunables that glibc documents,
 * and mallopt. It writes base/settings.h and calls the layers that keep a choice of their own.
 */
#ifndef MALLOW_OPTIONS_H
#define MALLOW_OPTIONS_H

#include <stdbool.h>

/* Reads MALLOW_OPTIONS, MALLOC_*_ and GLIBC_TUNABLES. Not in setuid programs. */
void options_read(void);

/* Whether MALLOW_OPTIONS says backend=brk. Asked at the first allocation, which may come before
 * options_read, and from the loader, before libc knows the environment: then it is not known. */
bool options_backend_is_break(void);

/* mallopt's: 1, or 0 when the value is out of the parameter's documented range. */
int options_mallopt(int parameter, int value);

/* From now on calls are not counted, and there is no summary. */
void options_end_summary(void);

/* From now on calls are traced, or no more. */
void options_trace(bool wanted);

/* From now on blocks are checked, by check=full unless check=hard does it already; pedantic: all of
 * them at each call, for ever. */
void options_check(bool pedantic);

#endif
