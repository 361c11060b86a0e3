/* Visits the runs of pages in a slice of the heap. */
#ifndef MALLOW_HEAP_WALK_H
#define MALLOW_HEAP_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The pages [page, end) of a run with this tag. */
struct heap_walk_part {
    size_t page, end;
    uint64_t tag;
};

/* Calls `call` for each part of a run in the pages [page, end), while it holds global_lock. `*run`
 * is the start of a run at or before `page`, such as the one that the previous slice ended in: the
 * search for it takes long in a long run. Returns false, without a call, if the lock is refused. */
bool heap_walk(size_t page, size_t end, size_t *run,
               void (*call)(void *to, const struct heap_walk_part *part), void *to);

#endif
