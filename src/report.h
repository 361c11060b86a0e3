/* Misuse of the interface: what it was, about which block, and the end of the process. */
#ifndef MALLOW_REPORT_H
#define MALLOW_REPORT_H

#include "block_info.h"

enum misuse { MISUSE_FREE, MISUSE_REALLOC, MISUSE_USABLE_SIZE };

/* Writes one line that begins "mallow: " and aborts, or what M_CHECK_ACTION leaves of the two.
 * Allocates nothing and holds no lock. */
void report_misuse(enum misuse what, const void *p, const void *caller);

/* An error that concerns a block. */
struct error {
    const char *cause;
    const void *p;                  /* the pointer in question */
    const struct block_info *block; /* NULL: nothing known */
    const char *detail;             /* NULL: none */
    const void *context;            /* ucontext_t of a fault; NULL: where we are */
};
void report_error(const struct error *error);

/* A line about a setting. */
void report_warning(const char *before, const char *name, unsigned long name_length,
                    const char *after);

#endif
