/* Misuse of the interface: what it was, about which block, and the end of the process. */
#ifndef MALLOW_REPORT_H
#define MALLOW_REPORT_H

enum misuse { MISUSE_FREE, MISUSE_REALLOC, MISUSE_USABLE_SIZE };

/* Writes one line that begins "mallow: " and aborts, or what M_CHECK_ACTION leaves of the two.
 * Allocates nothing and holds no lock. */
void report_misuse(enum misuse what, const void *p, const void *caller);

/* A line about a setting. */
void report_warning(const char *before, const char *name, unsigned long name_length,
                    const char *after);

#endif
