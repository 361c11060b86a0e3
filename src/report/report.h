/* Reports an error of the program and then ends the process. M_CHECK_ACTION can turn off either.
 * Nothing is allocated from the program's heap. */
#ifndef MALLOW_REPORT_H
#define MALLOW_REPORT_H

#include "report/block.h"
#include "report/describe.h"

/* Advice for writes that are found only later, when their place in the program is not known. */
#define ADVICE_GUARD "'mallow run --guard' (guard=1) stops the program at the access itself"

struct error {
    const char *cause;              /* "heap overflow", "double free", ...: see mallow(7) */
    const void *p;                  /* the pointer in question */
    const struct block_info *block; /* the block that p belongs to; NULL: not known */
    const char *words;    /* describe p if block is NULL; NULL: report_look_up describes p */
    const char *detail;   /* further information; NULL: none */
    const char *advice;   /* how to learn more, at the end; NULL: none */
    const void *context;  /* ucontext_t of the fault; NULL: the error is not a fault */
    const char *function; /* the function that was called; NULL: free */
    const void *caller;   /* return address of that call; NULL: not known */
};

/*
 * Writes a report and ends the process, as far as the settings allow:
 *
 *     mallow: CAUSE of 0xADDR (what it is, thread N)[, DETAIL]
 *       stack
 *       stack of the block's allocation, and of its free
 *       the bytes around
 */
void report_error(const struct error *error);

/* Describes a pointer, like describe_pointer. Any thread may call it. */
struct finding report_look_up(const void *p);

/* Called before the process aborts, to write what other parts still hold in buffers.
 * process/hooks.c says which function this is. */
extern void (*const report_before_abort)(void);

/* Called in the child of a fork. A thread that was writing a report does not exist there. */
void report_after_fork(void);

/* Writes one line to the log, about a setting: "mallow: ", `before`, the name and `after`. */
void report_warning(const char *before, const char *name, unsigned long name_length,
                    const char *after);

#endif
