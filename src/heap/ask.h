/* What a caller of the interface said, beyond a size or a pointer: for the modes that look at it.
 */
#ifndef MALLOW_ASK_H
#define MALLOW_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/family.h"

struct ask {
    size_t size;
    size_t align; /* a power of two; 1: none */
    enum family family;
    bool zero; /* the block is to read as zero */
    const void *caller;
    const void *entry; /* for stacks, see stack_capture_from; NULL: not known */
    size_t logged;     /* by mtrace, when that is not the size; else 0 */
};

struct release {
    enum family family;
    bool has_size, has_align; /* any value may be passed, so no value can mean "none" */
    size_t size;              /* that the caller believes the block to have */
    size_t align;             /* likewise */
    const void *caller;
    const void *entry;
};

#define WITH_SIZE(its_size) .has_size = true, .size = (its_size)
#define WITH_ALIGN(its_align) .has_align = true, .align = (its_align)

/* In a function that the program calls, or that is jumped to from one: of both structures. */
#define CALLED_HERE .caller = __builtin_return_address(0), .entry = __builtin_frame_address(0)

#endif
