/* What went wrong in the program, said in a report; then the end of the process, or what
 * M_CHECK_ACTION leaves of the two. Allocates nothing from the program's heap. */
#ifndef MALLOW_REPORT_H
#define MALLOW_REPORT_H

#include "report/block.h"
#include "report/describe.h"

/* What a write that is found too late does not show. */
#define ADVICE_GUARD "'mallow run --guard' (guard=1) stops the program at the access itself"

struct error {
    const char *cause;              /* "heap overflow", "double free", ...: see mallow(7) */
    const void *p;                  /* the pointer in question */
    const struct block_info *block; /* that it belongs to; NULL: nothing is known */
    const char *words;              /* about p, if block is NULL; NULL: report_look_up finds them */
    const char *detail;             /* what else there is to say; NULL: nothing */
    const char *advice;             /* how to learn more, at the end; NULL: nothing */
    const void *context;            /* ucontext_t of the fault; NULL: where we are */
    const char *function;           /* of the interface; NULL: free */
    const void *caller;             /* of that function; NULL: not known */
};

/*
 *     mallow: CAUSE of 0xADDR (what it is, thread N)[, DETAIL]
 *       stack
 *       stack of the block's allocation, and of its free
 *       the bytes around
 */
void report_error(const struct error *error);

/* What the heap's own records say of an address. */
struct finding report_look_up(const void *p);

/* Writes what other parts still hold in buffers, before the process aborts: process/hooks.c. */
extern void (*const report_before_abort)(void);

/* In the child of a fork: whoever was at a report is not here. */
void report_after_fork(void);

/* A line about a setting. */
void report_warning(const char *before, const char *name, unsigned long name_length,
                    const char *after);

#endif
