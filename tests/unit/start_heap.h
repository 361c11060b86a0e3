/* The setup of tests that need an address space. */
#ifndef START_HEAP_H
#define START_HEAP_H

#include "pages/space.h"

static inline int start_heap(void **state) {
    (void)state;
    return space_start() ? 0 : -1;
}

#endif
