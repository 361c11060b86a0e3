/*
 * What recording needs in this process only. It is mapped when the first session begins, because
 * limits on locked memory and on data count the library's zeroed memory even if it is not used.
 */
#ifndef MALLOW_TRACE_MEMORY_H
#define MALLOW_TRACE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/call_tree.h"
#include "trace/trace_layout.h"
#include "trace/trace_record.h"

struct trace_memory {
    struct trace_thread threads[TRACE_RINGS];   /* the rings that were used, by number */
    _Atomic uint64_t known[CALL_TREE_MAX / 64]; /* a bit for each node that has been recorded */
};
extern struct trace_memory *trace_memory; /* NULL: not mapped */

/* Maps the memory if necessary. Returns false if that is refused. */
bool trace_has_memory(void);

#endif
