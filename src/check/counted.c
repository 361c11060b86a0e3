/* The mode of the counting path (heap/counting.h). It chooses the blocks that are guarded (guard=N)
 * and those that are sampled (sample=N), and counts each call for the summary. */
#include "check/counted.h"

#include <errno.h>
#include <stdbool.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/settings.h"
#include "check/modes.h"
#include "check/resize.h"
#include "guard/guard_range.h"
#include "guard/guard_sample.h"
#include "heap/call_counts.h"
#include "heap/counting.h"
#include "heap/find.h"
#include "heap/heap_enter.h"
#include "heap/sampled.h"
#include "mallow.h"
#include "profile/profile.h"
#include "profile/sample_gap.h"
#include "profile/samples.h"
#include "stack/stack.h"

/* ---- the fast part ---- */

static void *counted_malloc_bytes(size_t size, const struct magazine_entry *sentinel) {
    void *p = counting_take(size, sentinel, COUNT_BYTES);
    return likely(p != NULL) ? p : mode_malloc(size, sentinel);
}

static void *counted_malloc_calls(size_t size, const struct magazine_entry *sentinel) {
    void *p = counting_take(size, sentinel, COUNT_CALLS);
    return likely(p != NULL) ? p : mode_malloc(size, sentinel);
}

static void *counted_malloc_any(size_t size, const struct magazine_entry *sentinel) {
    void *p = counting_take(size, sentinel, COUNT_ANY);
    return likely(p != NULL) ? p : mode_malloc(size, sentinel);
}

/* ---- countdowns ---- */

/* While calls are counted exactly, a thread looks at what is live after this many bytes. */
#define LOOK_BYTES ((int64_t)(64 * KIB))

static void counted_next_stretch(struct countdown *countdown) {
    bool looks = racy_load(bool, &call_counts_on);
    countdown->bytes =
        looks && countdown->bytes_after > LOOK_BYTES ? LOOK_BYTES : countdown->bytes_after;
    countdown->bytes_after -= countdown->bytes;
}

static void counted_next_sample(struct heap *heap) {
    size_t rate = racy_load(size_t, &settings.sample);
    heap->countdown.bytes_after =
        rate == 0 ? INT64_MAX : (int64_t)sample_gap(&heap->random_samples, rate);
    counted_next_stretch(&heap->countdown);
}

/* Sets the heap's countdowns according to the current settings. Returns false if there was no
 * memory for a stripe. The countdowns then remain 0, so each call is looked at and counted in the
 * page. */
static bool counted_arm(struct heap *heap, unsigned generation) {
    if (racy_load(bool, &call_counts_on) && heap->calls == NULL) return false;
    counted_next_sample(heap);
    heap->countdown.calls = guard_sample_interval(&heap->random_guards);
    heap->countdown.generation = generation;
    return true;
}

/* Returns the calling thread's heap, with countdowns that follow the current settings. Returns NULL
 * if there is no memory for a heap or its stripe. */
static struct heap *counted_heap(void) {
    unsigned generation = racy_load(unsigned, &settings.generation);
    struct heap *heap = self_heap;
    if (likely(heap != EMPTY_HEAP && heap->countdown.generation == generation)) return heap;
    heap = heap_enter();
    if (heap == NULL) return NULL;
    bool armed = counted_arm(heap, generation);
    heap_leave(heap);
    return armed ? heap : NULL;
}

/* Counts a call. Returns true if its block is to be guarded. */
static bool counted_call(struct heap *heap) {
    if (--heap->countdown.calls > 0) return false;
    heap->countdown.calls = guard_sample_interval(&heap->random_guards);
    return racy_load(size_t, &settings.guard) != 0;
}

/* Called at the end of a stretch. Returns true if a sample is due. */
static bool counted_stretch_ends(struct heap *heap) {
    struct countdown *countdown = &heap->countdown;
    call_counts_look(heap);
    countdown->bytes_after += countdown->bytes; /* it is 0 or negative */
    if (countdown->bytes_after > 0) {
        counted_next_stretch(countdown);
        return false;
    }
    counted_next_sample(heap);
    return true;
}

/* Counts the bytes of a call. Returns true if its block is to be sampled. All blocks that are too
 * large for a slot are sampled, and take no bytes from the countdown. */
static bool counted_bytes(struct heap *heap, size_t size) {
    bool samples = racy_load(size_t, &settings.sample) != 0;
    if (size > SLOT_MAX) return samples;
    heap->countdown.bytes -= (int64_t)size;
    return heap->countdown.bytes <= 0 && counted_stretch_ends(heap) && samples;
}

/* Counts a block for the summary. */
static void counted_block(const void *p) {
    struct heap *heap = self_heap;
    struct block_ref block = find_block((void *)(uintptr_t)p);
    if (block.state != NULL && heap != EMPTY_HEAP && heap->calls != NULL)
        heap->calls[block.size_class].allocations++;
    else
        call_counts_alloc(block.kind != BLOCK_NONE ? block.usable : mallow_usable_size(p));
}

/* Counts the free of a block that has no slot. call_counts.h counts those of slots. */
static void counted_free_of(const void *p) {
    struct block_ref block = find_block((void *)(uintptr_t)p);
    size_t usable = block.usable;
    if (block.state != NULL) return;
    if (block.kind != BLOCK_NONE || mode_usable_size(p, &usable)) call_counts_free(usable);
}

/* ---- samples ---- */

static stack_id counted_stack(const void *entry) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return 0;
    stack_id stack = stack_capture_from(&heap->stacks, STACK_FRAMES_MAX, entry);
    heap_leave(heap);
    return stack;
}

/* A guarded block, or one of a mode that sees all calls, has no state for samples. Each free of
 * such a block looks for a sample. */
static bool counted_looks_for_sample(const void *p) {
    return mode_sees_all() || guard_range_contains(p);
}

static void counted_sample(void *p, size_t size, const void *entry) {
    bool large = size > SLOT_MAX;
    int error_before = errno;
    if (samples_add(p, size, large, counted_stack(entry)) && !sampled_mark(p) &&
        !counted_looks_for_sample(p))
        samples_remove(p);
    profile_tick(size);
    errno = error_before;
}

/* ---- the mode ---- */

static void *counted_no_memory(void) {
    int error = errno;
    if (racy_load(size_t, &settings.sample) != 0) profile_no_memory();
    errno = error;
    return NULL;
}

static void *counted_alloc(const struct alloc_request *request) {
    struct alloc_request counted = *request;
    struct heap *heap = request->size <= PTRDIFF_MAX ? counted_heap() : NULL;
    bool sample = heap != NULL && counted_bytes(heap, request->size);
    counted.guard = heap != NULL && counted_call(heap);
    void *p = mode_below(&counted_mode)->alloc(&counted);
    if (p == NULL) return counted_no_memory();
    if (sample) counted_sample(p, request->size, request->entry);
    if (racy_load(bool, &call_counts_on)) counted_block(p);
    return p;
}

static void counted_free(void *p, enum family family) {
    const struct mode *below = mode_below(&counted_mode);
    if (below == &plain_mode && !racy_load(bool, &call_counts_on))
        below->free(p, family);
    else
        mode_free(p, family);
}

static void counted_free_request(void *p, const struct free_request *request) {
    if (samples_any() && counted_looks_for_sample(p)) samples_remove(p);
    if (racy_load(bool, &call_counts_on)) counted_free_of(p);
    mode_below(&counted_mode)->free_request(p, request);
}

/* A slot that stays in place keeps its sample, and a copy is a new block. Only large blocks may be
 * moved without a copy. The plain mode leaves room for growth in a copy, but a guarded block must
 * end where the request does. */
static bool counted_resizes_like_plain(void *p) {
    if (mode_sees_all() || racy_load(size_t, &settings.guard) != 0) return false;
    if (guard_range_contains(p)) return false;
    if (likely(slab_around(p) != NULL)) return true;
    return (!samples_any() && !racy_load(bool, &call_counts_on)) || find_block(p).state != NULL;
}

static void *counted_resize(void *p, size_t size, const void *caller) {
    return counted_resizes_like_plain(p) ? plain_mode.resize(p, size, caller)
                                         : resize_checked(p, size, caller);
}

static void *counted_resize_in_place(void *p, size_t before, size_t size, bool may_move) {
    void *resized = mode_below(&counted_mode)->resize_in_place(p, before, size, may_move);
    if (resized == NULL) return NULL;
    if (before > SLOT_MAX && samples_any()) samples_resize(p, resized, size);
    if (racy_load(bool, &call_counts_on)) call_counts_resize(before, mallow_usable_size(resized));
    return resized;
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
    bool fast = (on & ~(unsigned)MODES_COUNTED) == 0;
    racy_store(&call_counts_on, fast && (on & MODE_COUNT) != 0);
    counted_mode.malloc = !fast               ? mode_malloc
                          : on == MODE_GUARD  ? counted_malloc_calls
                          : on == MODE_SAMPLE ? counted_malloc_bytes
                                              : counted_malloc_any;
}
