/* The mode of the counting path (heap/counting.h). It chooses the blocks that are guarded (guard=N)
 * and those that are sampled (sample=N), and counts each call for the summary. */
#include "check/counted.h"

#include <errno.h>
#include <stdbool.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/modes.h"
#include "check/resize.h"
#include "guard/guard_pace.h"
#include "guard/guard_range.h"
#include "heap/alloc.h"
#include "heap/call_counts.h"
#include "heap/counting.h"
#include "heap/find.h"
#include "heap/heap_enter.h"
#include "heap/sampled.h"
#include "heap/size_class.h"
#include "mallow.h"
#include "profile/profile.h"
#include "profile/sample_gap.h"
#include "profile/samples.h"
#include "stack/stack.h"

static void *counted_malloc(size_t size, const struct magazine_entry *sentinel) {
    void *p = counting_take(sentinel);
    return likely(p != NULL) ? p : mode_malloc(size, sentinel);
}

/* ---- countdowns ---- */

/* Why the mode looks at a call. */
enum {
    DUE_START = 0, /* the countdown has not been started */
    DUE_LOOK = 1,  /* at what is live, for the summary */
    DUE_SAMPLE = 2,
    DUE_GUARD = 4,
};

/* While calls are counted exactly, a thread looks at what is live after this many bytes of one
 * class. */
#define LOOK_BYTES (16 * KIB)

/* The length of a countdown whose end is never due. */
#define COUNTED_NEVER ((size_t)1 << (8 * sizeof(size_t) - 3))

/* Starts the countdown to the call that is due next, and notes for what. Whether a call is sampled
 * or guarded does not depend on earlier calls, so the other countdowns can be drawn again. */
static void counted_start(struct heap *heap, unsigned size_class) {
    size_t bytes = max_size(size_class_bytes(size_class), 1);
    size_t rate = racy_load(size_t, &settings.sample), one_in = racy_load(size_t, &settings.guard);
    size_t look = racy_load(bool, &call_counts_on) ? LOOK_BYTES / bytes : COUNTED_NEVER;
    size_t sample =
        rate != 0 ? (sample_gap(&heap->random_counts, rate) - 1) / bytes : COUNTED_NEVER;
    size_t guard = one_in != 0 ? sample_gap_calls(&heap->random_counts, one_in) : COUNTED_NEVER;
    size_t calls = min_size(look, min_size(sample, guard));
    heap->counting->due[size_class] =
        (uint8_t)(DUE_LOOK | (calls == sample ? DUE_SAMPLE : 0) | (calls == guard ? DUE_GUARD : 0));
    counting_grant(heap, size_class, (int64_t)calls);
}

/* Returns the calling thread's heap, with countdowns that follow the current settings. Returns NULL
 * if there is no memory for a heap, its countdowns or its stripe; each call is then looked at and
 * counted in the page. */
static struct heap *counted_heap(void) {
    unsigned generation = racy_load(unsigned, &settings.generation);
    struct heap *heap = self_heap;
    if (likely(heap != EMPTY_HEAP && heap->counting != NULL &&
               heap->counting->generation == generation))
        return heap;
    heap = heap_enter();
    if (heap == NULL) return NULL;
    bool ready = counting_make(heap) && (!racy_load(bool, &call_counts_on) || heap->calls != NULL);
    if (ready) {
        counting_restart(heap);
        heap->counting->generation = generation;
    }
    heap_leave(heap);
    return ready ? heap : NULL;
}

/* Counts a call for a slot, and returns what is due. */
static unsigned counted_call(struct heap *heap, unsigned size_class) {
    struct counting *counting = heap->counting;
    int64_t *left = counting->countdown[size_class].left;
    if (counting->due[size_class] == DUE_START) counted_start(heap, size_class);
    if (*left > 0) {
        --*left;
        return 0;
    }
    unsigned due = counting->due[size_class];
    counting_add(heap, size_class, 1);
    counted_start(heap, size_class);
    return due;
}

/* Returns what is due in a call for a block that is too large for a slot. All are sampled. */
static unsigned counted_large(struct heap *heap) {
    size_t one_in = racy_load(size_t, &settings.guard);
    unsigned due = racy_load(size_t, &settings.sample) != 0 ? DUE_SAMPLE : 0;
    if (one_in != 0 && sample_gap_calls(&heap->random_counts, one_in) == 0) due |= DUE_GUARD;
    return due;
}

/* The countdowns assume that each block fills its slot. A smaller block has a smaller probability,
 * so some of its samples are dropped. */
static bool counted_keeps_sample(struct heap *heap, size_t size, unsigned size_class) {
    size_t rate = racy_load(size_t, &settings.sample);
    if (rate == 0) return false;
    if (size_class == CLASSES || size == size_class_bytes(size_class)) return true;
    double chance = sample_weight(size_class_bytes(size_class), rate) / sample_weight(size, rate);
    return sample_gap_chance(&heap->random_counts, chance);
}

/* Counts the block that a call got, for the summary. counted_call has counted a slot of this class
 * already. */
static void counted_result(struct heap *heap, unsigned size_class, void *p) {
    struct block_ref block = p != NULL ? find_block(p) : (struct block_ref){0};
    bool has_stripe = heap != NULL && heap->calls != NULL;
    if (has_stripe && size_class < CLASSES) {
        if (block.state != NULL && block.size_class == size_class) return;
        counting_add(heap, size_class, -1);
    }
    if (p == NULL) return;
    if (has_stripe && block.state != NULL)
        counting_add(heap, block.size_class, 1);
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
    size_t size = request->size + request->room;
    unsigned due = 0, size_class = alloc_class(size, request->align);
    struct heap *heap = size <= PTRDIFF_MAX ? counted_heap() : NULL;
    if (heap != NULL)
        due = size_class < CLASSES ? counted_call(heap, size_class) : counted_large(heap);
    if ((due & DUE_LOOK) != 0) call_counts_look(heap, size_class);
    counted.guard = (due & DUE_GUARD) != 0 && guard_pace_allows(settings.guard);
    if (!counted.guard) counted.size = size;
    void *p = mode_below(&counted_mode)->alloc(&counted);
    if (racy_load(bool, &call_counts_on)) counted_result(heap, size_class, p);
    if (p == NULL) return counted_no_memory();
    if ((due & DUE_SAMPLE) != 0 && counted_keeps_sample(heap, request->size, size_class))
        counted_sample(p, request->size, request->entry);
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
 * moved without a copy. */
static bool counted_resizes_like_plain(void *p) {
    if (mode_sees_all() || guard_range_contains(p)) return false;
    if (likely(slab_around(p) != NULL)) return true;
    return (!samples_any() && !racy_load(bool, &call_counts_on)) || find_block(p).state != NULL;
}

/* Takes a slot as malloc does. */
static void *counted_take(size_t size) {
    if (size > SLOT_MAX) return NULL;
    struct magazine *magazine = &self_heap->magazine[size_class_of(size)];
    void *p = fast_take(magazine);
    return p != NULL ? p : counting_take(magazine->top);
}

/* A guarded copy must end where the request does, so it gets no room for growth. */
static NOINLINE void *counted_copy(size_t size, size_t room) {
    void *p = counted_take(size + room);
    if (likely(p != NULL)) return p;
    return counted_alloc(
        &(struct alloc_request){.size = size, .room = room, .align = 1, CALLED_HERE});
}

static void *counted_resize(void *p, size_t size, const void *caller) {
    if (!counted_resizes_like_plain(p)) return resize_checked(p, size, caller);
    if (racy_load(size_t, &settings.guard) == 0) return plain_mode.resize(p, size, caller);
    return realloc_plain_to(p, size, caller, counted_copy);
}

static void *counted_resize_in_place(void *p, size_t before, size_t size, bool may_move) {
    uint32_t sample = before > SLOT_MAX && samples_any() ? samples_begin_resize(p) : 0;
    void *resized = mode_below(&counted_mode)->resize_in_place(p, before, size, may_move);
    samples_end_resize(sample, p, resized, size);
    if (resized == NULL) return NULL;
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
    counted_mode.malloc = fast ? counted_malloc : mode_malloc;
}
