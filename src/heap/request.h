/* A call of the interface as the modes see it (mode.h). */
#ifndef MALLOW_REQUEST_H
#define MALLOW_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/family.h"

struct alloc_request {
    size_t size; /* bytes */
    size_t room; /* further bytes in which a realloc may grow the block; a guarded block has none */
    size_t align; /* a power of two; 1: no requirement */
    enum family family;
    bool zero;       /* the block must read as zero */
    bool by_realloc; /* realloc(NULL, size) */
    bool guard;      /* the block is to have pages of its own (guard=N) */
    const void *caller;
    const void *entry; /* frame from which stack_capture_from begins; NULL: unknown */
    bool has_logged;   /* mtrace(3) logs this size in place of `size` */
    size_t logged;
};

struct free_request {
    enum family family;
    bool has_size, has_align; /* needed because a caller may pass any value */
    size_t size;              /* the block's size, according to the caller */
    size_t align;             /* its alignment, according to the caller */
    const void *caller;
    const void *entry;
};

#define WITH_SIZE(its_size) .has_size = true, .size = (its_size)
#define WITH_ALIGN(its_align) .has_align = true, .align = (its_align)

/* For both structures. Used in functions that the program calls, or that such a function calls in
 * tail position. */
#define CALLED_HERE .caller = __builtin_return_address(0), .entry = __builtin_frame_address(0)

#endif
