#include "process/heap_walk.h"

#include "base/numbers.h"
#include "os/open_lock.h"
#include "pages/pages.h"

/* Returns the start of the run that the page is in. Tries `run` first. */
static size_t heap_walk_find(size_t run, size_t page) {
    uint64_t tag = run_tag((uint32_t)run);
    enum run_kind kind = tag_kind(tag);
    bool is_start = kind != RUN_INSIDE && kind != RUN_FREE_END;
    return is_start && page < run + tag_pages(tag) ? run : pages_find_start((uint32_t)page);
}

bool heap_walk(size_t page, size_t end, size_t *run,
               void (*call)(void *to, const struct heap_walk_part *part), void *to) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    while (page < end) {
        *run = heap_walk_find(*run, page);
        struct heap_walk_part part = {.page = page, .tag = run_tag((uint32_t)*run)};
        size_t next = *run + tag_pages(part.tag);
        part.end = next <= page ? page + 1 : min_size(next, end);
        call(to, &part);
        page = part.end;
    }
    open_lock_drop(&global_lock, &hold);
    return true;
}
