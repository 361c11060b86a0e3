/*
 * Blocks that other allocators resize (`mallow run --with`). Such a call frees the old block before
 * its record can say so, and another thread may allocate that address meanwhile. The block is then
 * freed in the trace where that happens, and the resize becomes an allocation.
 */
#ifndef MALLOW_TRACE_RESIZE_H
#define MALLOW_TRACE_RESIZE_H

#include <stdint.h>

#include "trace/trace_layout.h"

/* Initialized to zero. */
struct trace_resizes {
    struct trace_resize {
        uint32_t process, thread; /* in the trace */
        uint64_t address;         /* 0: the block is already free in the trace */
    } list[TRACE_RINGS];
    uint32_t count;
};

/* Called when a thread begins to resize a block. */
void trace_resize_begin(struct trace_resizes *all, uint32_t process, uint32_t thread,
                        uint64_t address);

/* Called when a thread has resized a block, or has ended (address 0). Returns the address, or 0 if
 * the block is already free. */
uint64_t trace_resize_end(struct trace_resizes *all, uint32_t thread, uint64_t address);

/* Called when a block is allocated. If a thread resizes a block at this address, notes that it is
 * free, and returns the thread. Otherwise it returns 0. */
uint32_t trace_resize_takes(struct trace_resizes *all, uint32_t process, uint64_t address);

#endif
