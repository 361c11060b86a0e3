/* What a pointer is, in words, when it is not the start of a block in use. */
#ifndef MALLOW_DESCRIBE_H
#define MALLOW_DESCRIBE_H

#include <stdbool.h>

/* Free already, or never the start of a block. */
struct finding {
    bool was_block;
    char text[160];
};

/* One caller at a time. */
struct finding describe_pointer(const void *pointer);

#endif
