/* The mode of the counting path (heap/counting.h). It decides which blocks are guarded. */
#include "check/counted.h"

#include <stdbool.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/settings.h"
#include "check/modes.h"
#include "check/resize.h"
#include "guard/guard_range.h"
#include "guard/guard_sample.h"
#include "heap/counting.h"
#include "heap/heap_enter.h"

static void *counted_malloc_calls(size_t size, const struct magazine_entry *sentinel) {
    void *p = counting_take(sentinel, true);
    return likely(p != NULL) ? p : mode_malloc(size, sentinel);
}

/* Returns the calling thread's heap, with a countdown that follows the current settings. Returns
 * NULL if there is no memory for a heap. */
static struct heap *counted_heap(void) {
    unsigned generation = racy_load(unsigned, &settings.generation);
    struct heap *heap = self_heap;
    if (likely(heap != EMPTY_HEAP && heap->countdown.generation == generation)) return heap;
    heap = heap_enter();
    if (heap == NULL) return NULL;
    heap->countdown = (struct countdown){
        .calls = guard_sample_interval(&heap->guard_sample),
        .generation = generation,
    };
    heap_leave(heap);
    return self_heap;
}

/* Counts a call. Returns true if its block is to be guarded. */
static bool counted_call(struct heap *heap) {
    if (heap->countdown.calls-- > 0) return false;
    heap->countdown.calls = guard_sample_interval(&heap->guard_sample);
    return racy_load(size_t, &settings.guard) != 0;
}

static void *counted_alloc(const struct alloc_request *request) {
    struct alloc_request counted = *request;
    struct heap *heap = counted_heap();
    if (heap != NULL && request->size <= PTRDIFF_MAX) counted.guard = counted_call(heap);
    return mode_below(&counted_mode)->alloc(&counted);
}

static void counted_free(void *p, enum family family) {
    const struct mode *below = mode_below(&counted_mode);
    if (below == &plain_mode)
        below->free(p, family);
    else
        mode_free(p, family);
}

static void counted_free_request(void *p, const struct free_request *request) {
    mode_below(&counted_mode)->free_request(p, request);
}

static void *counted_resize(void *p, size_t size, const void *caller) {
    if (mode_sees == MODE_SEES_COUNTED && !guard_range_contains(p))
        return plain_mode.resize(p, size, caller);
    return resize_checked(p, size, caller);
}

static void *counted_resize_in_place(void *p, size_t before, size_t size, bool may_move) {
    return mode_below(&counted_mode)->resize_in_place(p, before, size, may_move);
}

struct mode counted_mode = {
    .malloc = mode_malloc,
    .free = counted_free,
    .alloc = counted_alloc,
    .free_request = counted_free_request,
    .resize = counted_resize,
    .resize_in_place = counted_resize_in_place,
};

RARE void counted_choose(unsigned on) {
    bool fast = (on & ~(unsigned)(MODE_GUARD | MODE_SAMPLE)) == 0;
    counted_mode.malloc = fast ? counted_malloc_calls : mode_malloc;
}
