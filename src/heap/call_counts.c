#include "heap/call_counts.h"

#include <string.h>

#include "base/atomics.h"
#include "base/layout.h"
#include "base/settings.h"
#include "heap/class_counts.h"
#include "heap/counting.h"
#include "heap/heap_owner.h"
#include "heap/magazine.h"
#include "heap/size_class.h"
#include "os/open_lock.h"
#include "pages/meta.h"

_Static_assert(CLASSES <= MALLOW_STATS_CLASSES, "each class has a row");

static UNTOUCHED struct mallow_call_page call_counts_private;
struct mallow_call_page *call_counts_page = &call_counts_private;
struct mallow_call_file *call_counts_file;
bool call_counts_on;

static void call_counts_add(uint64_t *count, uint64_t amount) {
    __atomic_fetch_add(count, amount, __ATOMIC_RELAXED);
}

static struct mallow_size_calls *call_counts_row(size_t size) {
    return &call_counts_page->rows[size <= SLOT_MAX ? size_class_of(size) : CLASSES];
}

/* ---- what is live ---- */

static size_t call_counts_usable(unsigned size_class) {
    return size_class == CLASS_ZERO ? 0 : size_class_bytes(size_class);
}

/* Returns the bytes of the heap that were freed since its last looks, less those that were
 * allocated. May race with the heap's owner. */
static int64_t call_counts_unseen_frees(const struct heap *heap) {
    if (racy_load(struct mallow_class_calls *, &heap->calls) == NULL) return 0;
    int64_t bytes = 0;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        int64_t freed = racy_load(int64_t, &heap->counting->counts->seen[size_class]) -
                        class_counts_live(heap, size_class, magazine_count(heap, size_class));
        if (freed != 0) bytes += freed * (int64_t)call_counts_usable(size_class);
    }
    return bytes;
}

/* Called when the sum of what the threads last saw exceeds the peak. Looks at all heaps, because
 * their threads may have freed since. The comparison is signed, because the live bytes can fall
 * below zero: another thread may free a block that is not counted yet. */
static NOINLINE void call_counts_raise_peak(int64_t live) {
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next)
        live -= call_counts_unseen_frees(heap);
    uint64_t peak = __atomic_load_n(&call_counts_page->live_peak_bytes, __ATOMIC_RELAXED);
    while (live > (int64_t)peak &&
           !__atomic_compare_exchange_n(&call_counts_page->live_peak_bytes, &peak, (uint64_t)live,
                                        true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

/* A new peak must exceed the last one by this part of it, so that a growing program does not look
 * too often. */
#define PEAK_PART 1024

static void call_counts_add_live(uint64_t bytes) {
    struct mallow_call_page *page = call_counts_page;
    int64_t live = (int64_t)__atomic_add_fetch(&page->live_bytes, bytes, __ATOMIC_RELAXED);
    int64_t peak = (int64_t)__atomic_load_n(&page->live_peak_bytes, __ATOMIC_RELAXED);
    if (live > peak + peak / PEAK_PART) call_counts_raise_peak(live);
}

/* ---- calls that are counted in the page ---- */

void call_counts_alloc(size_t size) {
    struct mallow_size_calls *row = call_counts_row(size);
    call_counts_add(&row->allocations, 1);
    call_counts_add(&row->live_bytes, size);
    call_counts_add_live(size);
}

void call_counts_free(size_t size) {
    struct mallow_size_calls *row = call_counts_row(size);
    call_counts_add(&row->frees, 1);
    call_counts_add(&row->live_bytes, -(uint64_t)size);
    call_counts_add(&call_counts_page->live_bytes, -(uint64_t)size);
}

/* A block that changes its row is counted as if it had moved. */
void call_counts_resize(size_t before, size_t after) {
    if (call_counts_row(before) == call_counts_row(after)) {
        call_counts_add(&call_counts_row(after)->live_bytes, after - before);
        call_counts_add_live(after - before);
    } else {
        call_counts_alloc(after);
        call_counts_free(before);
    }
}

/* ---- stripes ---- */

static struct mallow_class_calls *call_counts_take_stripe(bool *is_shared) {
    struct mallow_call_file *file = call_counts_file;
    *is_shared = false;
    if (file != NULL && racy_load(uint32_t, &file->page.stripes) < MALLOW_CALL_STRIPES) {
        uint32_t stripe = __atomic_fetch_add(&file->page.stripes, 1, __ATOMIC_RELAXED);
        *is_shared = stripe < MALLOW_CALL_STRIPES;
        if (*is_shared) return file->stripes[stripe];
    }
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return NULL;
    struct mallow_class_calls *calls = meta_alloc(CLASSES * sizeof *calls);
    open_lock_drop(&global_lock, &hold);
    if (calls != NULL) memset(calls, 0, CLASSES * sizeof *calls);
    return calls;
}

static struct class_counts *call_counts_make(void) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return NULL;
    struct class_counts *counts = meta_alloc(sizeof *counts);
    open_lock_drop(&global_lock, &hold);
    return counts;
}

static void call_counts_attach(struct heap *heap) {
    struct counting *counting = heap->counting;
    if (counting == NULL) return;
    if (counting->counts == NULL) counting->counts = call_counts_make();
    if (counting->counts == NULL) return;
    *counting->counts = (struct class_counts){0};
    struct mallow_class_calls *calls = call_counts_take_stripe(&counting->counts->is_shared);
    counting_use_stripe(heap, calls);
}

void call_counts_detach(struct heap *heap) { counting_use_stripe(heap, NULL); }

void call_counts_follow(struct heap *heap) {
    if (!racy_load(bool, &call_counts_on))
        call_counts_detach(heap);
    else if (heap->calls == NULL)
        call_counts_attach(heap);
}

void call_counts_look(struct heap *heap, unsigned size_class) {
    if (heap->calls == NULL) return;
    int64_t *seen = &heap->counting->counts->seen[size_class];
    int64_t live = class_counts_look(heap, size_class, magazine_count(heap, size_class));
    int64_t grown = live - *seen;
    racy_store(seen, live);
    if (grown != 0) call_counts_add_live((uint64_t)grown * call_counts_usable(size_class));
}

void call_counts_look_all(struct heap *heap) {
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        call_counts_look(heap, size_class);
}

void call_counts_fold(struct heap *heap) {
    struct mallow_class_calls *calls = heap->calls;
    if (calls == NULL || heap->counting->counts->is_shared) return;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        struct mallow_size_calls *row = &call_counts_page->rows[size_class];
        uint64_t allocations = mallow_class_allocations(&calls[size_class]);
        uint64_t live = allocations - calls[size_class].frees;
        call_counts_add(&row->allocations, allocations);
        call_counts_add(&row->frees, calls[size_class].frees);
        call_counts_add(&row->live_bytes, live * call_counts_usable(size_class));
        calls[size_class].granted = (uint64_t)calls[size_class].left;
        calls[size_class].frees = 0;
        heap->counting->counts->issued[size_class] = magazine_count(heap, size_class);
        heap->counting->counts->seen[size_class] = 0;
    }
}

NOINLINE void call_counts_add_slot_freed(unsigned size_class) {
    struct heap *heap = self_heap;
    if (heap != EMPTY_HEAP && heap->calls != NULL)
        class_counts_issue(heap, size_class, -1);
    else
        call_counts_free(call_counts_usable(size_class));
}
