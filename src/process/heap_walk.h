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
 * is the start of a run at or before `page`. It is set to the start of the last run in the slice,
 * which saves the next slice a search; a search takes long in a long run. Returns false, without a
 * call, if the lock is refused. */
bool heap_walk(size_t page, size_t end, size_t *run,
               void (*call)(void *to, const struct heap_walk_part *part), void *to);

#endif
