/*
 * Observers see each call. They count calls (process/calls.c), and serve mtrace(3)
 * (process/mtrace_log.c), mcheck_pedantic(3) (verify.c) and traces (trace/traced.c). While there
 * are any, the topmost mode calls them and passes each call on to the mode below.
 */
#ifndef MALLOW_OBSERVED_H
#define MALLOW_OBSERVED_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/request.h"

/* The resizing of a block, which may have failed. */
struct resize_event {
    void *old;
    size_t before; /* bytes in the old block */
    void *p;       /* NULL: there was no memory */
    size_t size;   /* bytes that the program asked for */
    bool is_copy;  /* p is another block, not passed to `allocated`; `old` is freed after this */
    const void *caller;
};

/* Each function may be NULL. */
struct observer {
    void (*before)(void);                                                  /* any call */
    void (*allocated)(const void *p, const struct alloc_request *request); /* p NULL: no memory */
    void (*freeing)(void *p, const struct free_request *request);          /* p is still in use */
    void (*resized)(const struct resize_event *event);
    bool needs_old_address; /* blocks may move only by copying: otherwise the old address would be
                               free before `resized` is called */
};

/* The observers, with NULL after the last. process/modes.c sets them. */
#define OBSERVERS_MAX 4u
extern const struct observer *observers[OBSERVERS_MAX + 1];

void observe_before(void);
void observe_allocated(const void *p, const struct alloc_request *request);
void observe_freeing(void *p, const struct free_request *request);
void observe_resized(const struct resize_event *event);
bool observers_need_old_address(void);

#endif
