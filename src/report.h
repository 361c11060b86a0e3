/* Misuse of the interface: what it was, about which block, and the end of the process. */
#ifndef MALLOW_REPORT_H
#define MALLOW_REPORT_H

struct block_info;

/* An error in the use of a block. */
struct error {
    const char *cause; /* "heap overflow", "heap underflow", "use after free", "double free", "invalid
                          free", "size mismatch", "mismatched free", "corrupted", "overlap" */
    const void *p;     /* the pointer in question */
    const struct block_info *block; /* NULL: nothing known */
    const char *detail;             /* "write of 8 bytes at offset 64, in memcpy"; NULL: none */
    const void *context;            /* ucontext_t of a fault; NULL: where we are */
};

/* Writes the report; aborts, or returns, as the settings choose. */
void report_error(const struct error *error);

enum misuse { MISUSE_FREE, MISUSE_REALLOC, MISUSE_USABLE_SIZE };

/* Writes one line that begins "mallow: " and aborts, or what M_CHECK_ACTION leaves of the two.
 * Allocates nothing and holds no lock. */
void report_misuse(enum misuse what, const void *p, const void *caller);

/* A line about a setting. */
void report_warning(const char *before, const char *name, unsigned long name_length,
                    const char *after);

#endif
