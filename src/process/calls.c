#include "process/calls.h"

#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/block_info.h"
#include "heap/call_counts.h"
#include "heap/find.h"
#include "heap/heap_enter.h"
#include "heap/heap_owner.h"
#include "heap/size_class.h"
#include "mallow.h"
#include "os/os.h"
#include "process/program_heap.h"
#include "process/stats.h"

/* The file that this process has mapped, or one that it was forked from. */
static struct mallow_call_file *calls_shared;

struct mallow_call_page *calls_page(void) { return call_counts_page; }

/* ---- one call, while a mode sees all calls ---- */

/* Also accepts an address inside the block: such a free is counted here and reported as an error
 * later. */
static bool calls_size_of(const void *p, size_t *size) {
    struct block_info info;
    if (!block_info_of(p, &info) || info.life != LIFE_LIVE) return false;
    *size = info.size;
    return true;
}

static void calls_allocated(const void *p, const struct alloc_request *request) {
    (void)request;
    if (p != NULL) call_counts_alloc(mallow_usable_size(p));
}

/* The plain look-up comes first, because it is short and usually finds the block. */
static void calls_freeing(void *p, const struct free_request *request) {
    struct block_ref block;
    size_t size;
    (void)request;
    if (find_slot(p, &block))
        call_counts_free(block.usable);
    else if (calls_size_of(p, &size))
        call_counts_free(size);
}

static void calls_resized(const struct resize_event *event) {
    if (event->p == NULL) return;
    size_t after = mallow_usable_size(event->p);
    if (event->is_copy) {
        call_counts_alloc(after);
        call_counts_free(event->before);
    } else {
        call_counts_resize(event->before, after);
    }
}

const struct observer calls_observer = {
    .allocated = calls_allocated,
    .freeing = calls_freeing,
    .resized = calls_resized,
};

/* ---- the page ---- */

static void calls_clear(struct mallow_call_page *page) {
    page->ended = 0;
    page->resident_bytes = page->resident_peak_bytes = 0;
    page->live_bytes = page->live_peak_bytes = 0;
    memset(page->rows, 0, sizeof page->rows);
    page->row_count = CLASSES + 1;
    for (unsigned i = 0; i < CLASSES; i++)
        page->rows[i].bytes = i == CLASS_ZERO ? 0 : size_class_bytes(i);
    page->rows[CLASSES].bytes = UINT64_MAX;
    if (call_counts_file != NULL) /* an earlier program has used them */
        memset(call_counts_file->stripes, 0,
               min_size(page->stripes, MALLOW_CALL_STRIPES) * sizeof call_counts_file->stripes[0]);
    page->stripes = 0;
}

static void calls_name_program(struct mallow_call_page *page) {
    char name[sizeof page->program + 1];
    long n = os_read_file("/proc/self/comm", name, sizeof name);
    if (n > 0 && name[n - 1] == '\n') n--;
    memset(page->program, 0, sizeof page->program);
    if (n > 0) memcpy(page->program, name, min_size((size_t)n, sizeof page->program));
}

RARE bool calls_share(const char *path) {
    struct mallow_call_file *file = os_map_file(path, sizeof *file);
    if (file == NULL) return false;
    const struct mallow_call_page *page = &file->page;
    if (page->magic != MALLOW_CALL_PAGE_MAGIC || page->version != MALLOW_CALL_PAGE_VERSION ||
        page->size < sizeof *file || page->pid != (uint32_t)os_process_id()) {
        os_unmap(file, round_up(sizeof *file, os_page_size()));
        return false;
    }
    call_counts_file = calls_shared = file;
    call_counts_page = &file->page;
    return true;
}

bool calls_are_shared(void) { return call_counts_file != NULL; }

static void calls_add_live(struct mallow_size_calls *row, uint64_t blocks, uint64_t bytes) {
    row->allocations += blocks;
    row->live_bytes += bytes;
    call_counts_page->live_bytes += bytes;
}

static void calls_detach_heaps(void) {
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next)
        call_counts_detach(heap);
}

/* The heap's stripe must belong to the page before blocks are counted. program_heap_is_ours() may
 * allocate and thus give the heap a stripe, which calls_clear() resets, so the heap is detached
 * from it first. */
RARE void calls_start(void) {
    static UNTOUCHED struct mallow_stats stats;
    struct mallow_call_page *page = call_counts_page;
    page->other_heap = !program_heap_is_ours();
    calls_detach_heaps();
    calls_clear(page);
    calls_name_program(page);
    racy_store(&settings.generation, settings.generation + 1);
    heap_follow_settings();
    stats_read(&stats);
    for (unsigned i = 0; i < CLASSES; i++) {
        uint64_t blocks = stats.classes[i].used_slots;
        calls_add_live(&page->rows[i], blocks, blocks * page->rows[i].bytes);
    }
    calls_add_live(&page->rows[CLASSES], stats.run_blocks + stats.mappings,
                   stats.run_bytes + stats.mapping_bytes);
    page->live_peak_bytes = page->live_bytes;
    page->pid = (uint32_t)os_process_id();
    page->programs++;
}

RARE void calls_finish(void) {
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next) {
        call_counts_look_all(heap);
        call_counts_fold(heap);
    }
}

void calls_before_fork(void) {
    if (calls_are_shared()) call_counts_page->last_child = UINT32_MAX;
}

RARE void calls_after_fork(void) {
    static UNTOUCHED struct mallow_call_page own;
    if (calls_shared != NULL) calls_shared->page.last_child = (uint32_t)os_process_id();
    calls_detach_heaps();
    call_counts_page = &own;
    call_counts_file = NULL;
}
