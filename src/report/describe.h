/* Describes in words a pointer that is not the start of a block in use. */
#ifndef MALLOW_DESCRIBE_H
#define MALLOW_DESCRIBE_H

#include <stdbool.h>

/* `was_block` is true if the pointer may be the start of a block that was freed. */
struct finding {
    bool was_block;
    char text[160];
};

/* Only one thread at a time may call it. */
struct finding describe_pointer(const void *pointer);

#endif
