/* What a caller of the interface asks for, beyond a size or a pointer: for the modes (mode.h). */
#ifndef MALLOW_REQUEST_TYPES_H
#define MALLOW_REQUEST_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/family.h"

struct alloc_request {
    size_t size;  /* bytes */
    size_t align; /* a power of two; 1: none */
    enum family family;
    bool zero;       /* the block must read as zero */
    bool by_realloc; /* realloc(NULL, size) */
    const void *caller;
    const void *entry; /* where the stack of calls begins, see stack_capture_from; NULL: unknown */
    bool has_logged;   /* mtrace(3) logs this size in place of `size` */
    size_t logged;
};

struct free_request {
    enum family family;
    bool has_size, has_align; /* the caller passes any value, so no value can mean "none" */
    size_t size;              /* the block's size, as the caller believes */
    size_t align;             /* its alignment, likewise */
    const void *caller;
    const void *entry;
};

#define WITH_SIZE(its_size) .has_size = true, .size = (its_size)
#define WITH_ALIGN(its_align) .has_align = true, .align = (its_align)

/* For both structures, in a function that the program calls, or that such a function jumps to. */
#define CALLED_HERE .caller = __builtin_return_address(0), .entry = __builtin_frame_address(0)

#endif
