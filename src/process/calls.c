#include "process/calls.h"

#include <string.h>

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/block_info.h"
#include "heap/find.h"
#include "heap/size_class.h"
#include "mallow.h"
#include "os/os.h"
#include "process/program_heap.h"
#include "process/stats.h"

static UNTOUCHED struct mallow_call_page calls_private;

static struct {
    struct mallow_call_page *page;
    struct mallow_call_page *shared; /* set by this process or by one that it was forked from */
} calls = {.page = &calls_private};

struct mallow_call_page *calls_page(void) { return calls.page; }

/* ---- one call ---- */

static void calls_add(uint64_t *count, uint64_t amount) {
    __atomic_fetch_add(count, amount, __ATOMIC_RELAXED);
}

static struct mallow_size_calls *calls_row_of(size_t size) {
    return &calls.page->rows[size <= SLOT_MAX ? size_class_of(size) : CLASSES];
}

/* The comparison is signed, because the live bytes can fall below zero: another thread may free a
 * block that calls_start has not counted yet. */
static void calls_add_live(struct mallow_size_calls *row, size_t bytes) {
    calls_add(&row->live_bytes, bytes);
    uint64_t live = __atomic_add_fetch(&calls.page->live_bytes, bytes, __ATOMIC_RELAXED);
    uint64_t peak = __atomic_load_n(&calls.page->live_peak_bytes, __ATOMIC_RELAXED);
    while ((int64_t)live > (int64_t)peak &&
           !__atomic_compare_exchange_n(&calls.page->live_peak_bytes, &peak, live, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

void calls_count_alloc(size_t size) {
    struct mallow_size_calls *row = calls_row_of(size);
    calls_add(&row->allocations, 1);
    calls_add_live(row, size);
}

void calls_count_free(size_t size) {
    struct mallow_size_calls *row = calls_row_of(size);
    calls_add(&row->frees, 1);
    calls_add(&row->live_bytes, -(uint64_t)size);
    calls_add(&calls.page->live_bytes, -(uint64_t)size);
}

/* A block that changes its row is counted as if it had moved. */
void calls_count_resize(size_t before, size_t after) {
    if (calls_row_of(before) == calls_row_of(after)) {
        calls_add_live(calls_row_of(after), after - before);
    } else {
        calls_count_alloc(after);
        calls_count_free(before);
    }
}

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
    if (p != NULL) calls_count_alloc(mallow_usable_size(p));
}

/* The plain look-up comes first, because it is short and usually finds the block. */
static void calls_freeing(void *p, const struct free_request *request) {
    struct block_ref block;
    size_t size;
    (void)request;
    if (find_slot(p, &block))
        calls_count_free(block.usable);
    else if (calls_size_of(p, &size))
        calls_count_free(size);
}

static void calls_resized(const struct resize_event *event) {
    if (event->p == NULL) return;
    size_t after = mallow_usable_size(event->p);
    if (event->is_copy) {
        calls_count_alloc(after);
        calls_count_free(event->before);
    } else {
        calls_count_resize(event->before, after);
    }
}

const struct observer calls_observer = {
    .allocated = calls_allocated,
    .freeing = calls_freeing,
    .resized = calls_resized,
};

/* ---- the page ---- */

static void calls_clear(void) {
    calls.page->ended = 0;
    calls.page->resident_bytes = calls.page->resident_peak_bytes = 0;
    calls.page->live_bytes = calls.page->live_peak_bytes = 0;
    memset(calls.page->rows, 0, sizeof calls.page->rows);
    calls.page->row_count = CLASSES + 1;
    for (unsigned i = 0; i < CLASSES; i++)
        calls.page->rows[i].bytes = i == CLASS_ZERO ? 0 : size_class_bytes(i);
    calls.page->rows[CLASSES].bytes = UINT64_MAX;
}

static void calls_name_program(void) {
    char name[sizeof calls.page->program + 1];
    long n = os_read_file("/proc/self/comm", name, sizeof name);
    if (n > 0 && name[n - 1] == '\n') n--;
    memset(calls.page->program, 0, sizeof calls.page->program);
    if (n > 0) memcpy(calls.page->program, name, min_size((size_t)n, sizeof calls.page->program));
}

RARE bool calls_share(const char *path) {
    struct mallow_call_page *ref = os_map_file(path, sizeof *ref);
    if (ref == NULL) return false;
    if (ref->magic != MALLOW_CALL_PAGE_MAGIC || ref->size < sizeof *ref ||
        ref->pid != (uint32_t)os_process_id()) {
        os_unmap(ref, round_up(sizeof *ref, os_page_size()));
        return false;
    }
    calls.page = calls.shared = ref;
    return true;
}

bool calls_are_shared(void) { return calls.page != &calls_private; }

static void calls_count_live(struct mallow_size_calls *row, uint64_t blocks, uint64_t bytes) {
    row->allocations += blocks;
    calls_add_live(row, bytes);
}

RARE void calls_start(void) {
    static UNTOUCHED struct mallow_stats stats;
    calls.page->other_heap = !program_heap_is_ours();
    calls_clear();
    calls_name_program();
    stats_read(&stats);
    for (unsigned i = 0; i < CLASSES; i++) {
        uint64_t blocks = stats.classes[i].used_slots;
        calls_count_live(&calls.page->rows[i], blocks, blocks * calls.page->rows[i].bytes);
    }
    calls_count_live(&calls.page->rows[CLASSES], stats.run_blocks + stats.mappings,
                     stats.run_bytes + stats.mapping_bytes);
    calls.page->pid = (uint32_t)os_process_id();
    calls.page->programs++;
}

void calls_before_fork(void) {
    if (calls_are_shared()) calls.page->last_child = UINT32_MAX;
}

RARE void calls_after_fork(void) {
    if (calls.shared != NULL) calls.shared->last_child = (uint32_t)os_process_id();
    calls.page = &calls_private;
}
