/*
 * Observers see each call: counts of calls (process/calls.c), mtrace(3) (process/mtrace.c) and
 * mcheck_pedantic(3) (verify.c). While there is one, the mode on top calls it around the mode
 * below.
 */
#ifndef MALLOW_OBSERVED_H
#define MALLOW_OBSERVED_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/request.h"

/* A block was resized, or could not be. */
struct resize_event {
    void *old;
    size_t before; /* bytes, of the old block */
    void *p;       /* NULL: there was no memory */
    size_t size;   /* bytes that the program asked for */
    bool is_copy;  /* another block, which was not announced, and `old` is freed after this call */
    const void *caller;
};

/* Each function may be NULL. */
struct observer {
    void (*before)(void);                                                  /* any call */
    void (*allocated)(const void *p, const struct alloc_request *request); /* p NULL: no memory */
    void (*freeing)(void *p, const struct free_request *request);          /* p is still in use */
    void (*resized)(const struct resize_event *event);
    bool needs_old_address; /* a block may not move without a copy: its address would be free
                             * before `resized` is called */
};

/* The observers, NULL after the last. process/modes.c writes it. */
#define OBSERVERS_MAX 3u
extern const struct observer *observers[OBSERVERS_MAX + 1];

void observe_before(void);
void observe_allocated(const void *p, const struct alloc_request *request);
void observe_freeing(void *p, const struct free_request *request);
void observe_resized(const struct resize_event *event);
bool observers_need_old_address(void);

#endif
