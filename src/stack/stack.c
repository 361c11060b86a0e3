/*
 * Stacks, captured with the help of the previous one.
 *
 * The next stack of a thread usually has the same outer frames. Therefore the frames of the last
 * stack are kept in a list, outermost first, each with the words of the stack that led to its
 * caller. As soon as a walk meets a frame of this list, and all those words are unchanged, the
 * frame has the same callers as in the list. This costs a load and a compare per word instead of a
 * step per frame, and the interned node is known.
 *
 * The frame pointer is compared only if it leads to the frame of a caller. Otherwise it is a
 * register like any other, which changes between captures.
 */
#include "stack/stack.h"

#include <string.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "os/os.h"
#include "stack/call_tree.h"
#include "stack/stack_cache.h"
#include "stack/stack_hits.h"
#include "stack/unwind.h"

struct stack_walk {
    unsigned wanted;     /* number of innermost frames that must be right */
    unsigned met;        /* number of frames met, from the innermost on */
    unsigned joined;     /* number of kept frames that are outside of them */
    unsigned candidates; /* number of kept frames that can still be met */
    bool complete;       /* the outermost frame was reached */
    bool too_deep;       /* there were too many frames to reach it */
};

/* ---- the frames of the last stack ---- */

/* Among the first `*frames` kept frames, checks the words of the innermost `wanted` ones, from the
 * innermost on. Returns true if they are unchanged. Otherwise *frames becomes the number of frames
 * outside of the frame whose word has changed. */
static bool stack_kept_is_unchanged(const struct stack_cache *cache, unsigned *frames,
                                    unsigned wanted) {
    MALLOW_ASSERT(*frames != 0 && *frames <= cache->kept_frames);
    const struct kept_frame *kept = cache->kept;
    const struct saved_word *first = cache->saved, *at = first + kept[*frames - 1].words;
    if (*frames > wanted) first += kept[*frames - wanted].words;
    while (at > first && stack_word(at[-1].at) == at[-1].value) at--;
    if (likely(at <= first)) return true;
    while (kept[*frames - 1].words >= at - cache->saved && --*frames > 0) continue;
    return false;
}

/* Returns true if the callers of this frame are those in the list. */
static bool stack_joins(struct stack_cache *cache, const struct frame *frame,
                        struct stack_walk *walk) {
    unsigned n = walk->candidates;
    while (n > 0 && cache->kept[n - 1].frame.sp < frame->sp) n--;
    walk->candidates = n;
    if (n == 0 || !kept_frame_is(&cache->kept[n - 1], frame)) return false;
    if ((cache->is_cut && walk->met + n < walk->wanted) ||
        !unwind_objects_stay(&cache->unwinder, cache->kept[n - 1].objects) ||
        cache->unwinder.changes != cache->changes) {
        walk->candidates = 0;
        return false;
    }
    /* Frames outside of a changed word may be met later, but not those inside of it. */
    if (walk->met >= walk->wanted ||
        stack_kept_is_unchanged(cache, &walk->candidates, walk->wanted - walk->met))
        walk->joined = n;
    return walk->joined != 0;
}

/* ---- walking ---- */

static struct {
    uintptr_t start;
    uintptr_t end;
} stack_left_out;

void stack_leave_out(const void *start, const void *end) {
    stack_left_out.start = (uintptr_t)start;
    stack_left_out.end = (uintptr_t)end;
}

static bool stack_is_left_out(uintptr_t pc) {
    return loaded_is_own(pc - 1) ||
           pc - 1 - stack_left_out.start < stack_left_out.end - stack_left_out.start;
}

/* Skips the library's own frames. `is_own`: the first frame is known to be one. */
static enum step stack_leave_library(struct stack_cache *cache, struct frame *frame, bool is_own) {
    struct step_reads reads;
    enum step step = STEP_OK;
    for (; step == STEP_OK && (is_own || stack_is_left_out(frame->pc)); is_own = false)
        step = unwind_step(&cache->unwinder, frame, &reads);
    return step;
}

/* Handles a call of an address that has no code: only the return address of the call is known. */
static void stack_leave_nowhere(struct stack_cache *cache, struct frame *frame,
                                struct stack_walk *walk) {
    struct met_frame *met = &cache->met[0];
    met->frame = *frame;
    met->reads = (struct step_reads){.repeatable = false};
    if (unwind_called(&cache->unwinder, frame)) walk->met = 1;
}

static enum step stack_meet_frames(struct stack_cache *cache, struct frame *frame,
                                   struct stack_walk *walk) {
    enum step step = STEP_OK;
    while (step == STEP_OK && !stack_joins(cache, frame, walk) && walk->met < KEPT_FRAMES) {
        struct met_frame *met = &cache->met[walk->met++];
        met->frame = *frame;
        step = unwind_step(&cache->unwinder, frame, &met->reads);
    }
    walk->complete = walk->joined != 0 || step == STEP_END;
    return step;
}

/* ---- keeping ---- */

/* Drops the outer half of a full list, which then begins with a frame whose callers are unknown. */
static unsigned stack_drop_outer(struct stack_cache *cache) {
    struct kept_frame *kept = cache->kept;
    unsigned words = kept[KEPT_FRAMES - CUT_FRAMES].words;
    memmove(cache->saved, cache->saved + words,
            (kept[KEPT_FRAMES - 1].words - words) * sizeof *cache->saved);
    memmove(kept, kept + KEPT_FRAMES - CUT_FRAMES, CUT_FRAMES * sizeof *kept);
    for (unsigned i = 0; i < CUT_FRAMES; i++) kept[i].words -= words;
    cache->is_cut = true;
    return CUT_FRAMES;
}

static uint32_t stack_keep_word(struct stack_cache *cache, uint32_t words, uintptr_t at) {
    if (at == 0) return words;
    MALLOW_ASSERT(words < 3 * KEPT_FRAMES);
    cache->saved[words] = (struct saved_word){at, stack_word(at)};
    return words + 1;
}

/* Returns false if the frame and some words do not determine its callers. */
static bool stack_keep_frame(struct stack_cache *cache, unsigned *n, const struct met_frame *met,
                             uint32_t node) {
    const struct step_reads *reads = &met->reads;
    if (!reads->repeatable) return false;
    if (*n == KEPT_FRAMES) *n = stack_drop_outer(cache);
    MALLOW_ASSERT(*n < KEPT_FRAMES);
    bool outermost = *n == 0;
    if (outermost && reads->cfa_at != 0) return false;
    const struct kept_frame *outer = outermost ? NULL : &cache->kept[*n - 1];
    bool fp_matters = !outermost && outer->fp_matters;
    uint32_t words = outermost ? 0 : outer->words;
    words = stack_keep_word(cache, words, reads->cfa_at);
    words = stack_keep_word(cache, words, fp_matters ? reads->fp_at : 0);
    cache->kept[(*n)++] = (struct kept_frame){
        .frame = met->frame,
        .words = stack_keep_word(cache, words, reads->ra_at),
        .node = node,
        .objects = (uint32_t)1 << reads->object | (outermost ? 0 : outer->objects),
        .fp_matters = reads->uses_fp || (fp_matters && reads->fp_at == 0)};
    return true;
}

static uint32_t stack_intern_frame(struct stack_cache *cache, uint32_t caller, uintptr_t pc) {
    uint64_t hash = (pc + ((uint64_t)caller << 32)) * 0x9e3779b97f4a7c15u;
    struct node_memo *memo = &cache->memo[(hash >> 32) % MEMO];
    if (likely(memo->pc == pc && memo->caller == caller)) return memo->node;
    memo->pc = 0; /* a handler may jump out of here */
    signal_order();
    memo->caller = caller;
    memo->node = call_tree_node(caller, pc);
    signal_order();
    if (memo->node != 0) memo->pc = pc;
    return memo->node;
}

/* Interns the frames that were met, from the outermost on, and keeps them if `keeps`. */
static stack_id stack_intern(struct stack_cache *cache, const struct stack_walk *walk, bool keeps) {
    unsigned n = walk->joined;
    uint32_t node = n == 0 ? 0 : cache->kept[n - 1].node;
    cache->kept_frames = 0; /* a handler may jump out of here */
    signal_order();
    if (n == 0) cache->is_cut = walk->too_deep;
    for (unsigned i = walk->met; i-- > 0;) {
        node = stack_intern_frame(cache, node, cache->met[i].frame.pc);
        if (node == 0) break;
        if (keeps) keeps = stack_keep_frame(cache, &n, &cache->met[i], node);
    }
    signal_order();
    cache->kept_frames = n;
    return node;
}

static void stack_cut_off(struct stack_cache *cache, struct stack_walk *walk) {
    MALLOW_ASSERT(walk->met >= CUT_FRAMES);
    struct step_reads *outermost = &cache->met[CUT_FRAMES - 1].reads;
    walk->met = CUT_FRAMES;
    outermost->ra_at = outermost->cfa_at = 0;
    outermost->uses_fp = false;
}

static stack_id stack_finish_walk(struct stack_cache *cache, struct stack_walk *walk,
                                  enum step step) {
    struct unwinder *u = &cache->unwinder;
    walk->too_deep = step == STEP_OK && !walk->complete;
    if (walk->too_deep) stack_cut_off(cache, walk);
    MALLOW_ASSERT(walk->met <= KEPT_FRAMES);
    MALLOW_ASSERT(walk->joined <= cache->kept_frames);
    stack_id stack = stack_intern(
        cache, walk, (walk->complete || walk->too_deep) && u->changes == cache->changes);
    if (u->changes != cache->changes) cache->kept_frames = 0;
    return stack;
}

static void stack_begin_walk(struct stack_cache *cache, struct stack_walk *walk, unsigned wanted) {
    struct unwinder *u = &cache->unwinder;
    if (u->whole || u->changes != cache->changes) cache->kept_frames = 0;
    cache->changes = u->changes;
    *walk = (struct stack_walk){.wanted = wanted, .candidates = cache->kept_frames};
}

/* ---- capturing ---- */

/* Returns STEP_BLIND if the capture cannot start with these registers. */
static enum step stack_capture_call(struct stack_cache *cache, struct frame *frame, bool is_own,
                                    unsigned wanted, stack_id *stack) {
    struct stack_walk walk;
    enum step step = stack_leave_library(cache, frame, is_own);
    if (step == STEP_OK) {
        *stack = stack_hits_find(cache, frame, wanted);
        if (likely(*stack != 0)) return STEP_OK;
    }
    struct frame innermost = *frame;
    stack_begin_walk(cache, &walk, wanted);
    if (step == STEP_OK) step = stack_meet_frames(cache, frame, &walk);
    if (unlikely(step == STEP_BLIND) && !cache->unwinder.whole) return STEP_BLIND;
    *stack = stack_finish_walk(cache, &walk, step);
    stack_hits_keep(cache, &innermost, wanted, *stack);
    return STEP_OK;
}

size_t stack_cache_bytes(void) { return round_up(sizeof(struct stack_cache), os_page_size()); }

static struct stack_cache *stack_new_cache(void) { return os_map(stack_cache_bytes()); }

NOINLINE stack_id stack_capture_from(struct stack_cache **cache, unsigned frames,
                                     const void *entry) {
    if (unlikely(*cache == NULL)) *cache = stack_new_cache();
    if (*cache == NULL) return 0;
    struct unwinder *u = &(*cache)->unwinder;
    struct registers here;
    struct frame frame;
    stack_id stack = 0;
    if (likely(frame_of_caller(entry, &frame.pc, &frame.sp, &frame.fp))) {
        unwind_begin(u, &frame);
        if (likely(stack_capture_call(*cache, &frame, false, frames, &stack) != STEP_BLIND))
            return stack;
    }
    registers_here(&here);
    for (int whole = 0; whole < 2 && here.pc != 0; whole++) {
        unwind_begin_registers(u, &here, whole, &frame);
        if (stack_capture_call(*cache, &frame, true, frames, &stack) != STEP_BLIND) break;
    }
    return stack;
}

RARE stack_id stack_capture_interrupted(const void *context) {
    struct registers there;
    struct frame frame;
    struct stack_walk walk;
    stack_id stack = 0;
    struct stack_cache *cache = stack_new_cache();
    if (cache == NULL) return 0;
    registers_interrupted(&there, context);
    for (int whole = 0; whole < 2 && there.pc != 0; whole++) {
        unwind_begin_registers(&cache->unwinder, &there, whole, &frame);
        stack_begin_walk(cache, &walk, STACK_FRAMES_MAX);
        stack_leave_nowhere(cache, &frame, &walk);
        enum step step = stack_meet_frames(cache, &frame, &walk);
        if (step == STEP_BLIND && whole == 0) continue;
        stack = stack_finish_walk(cache, &walk, step);
        break;
    }
    os_unmap(cache, stack_cache_bytes());
    return stack;
}

unsigned stack_frames(stack_id stack, uintptr_t frames[STACK_FRAMES_MAX]) {
    unsigned n = 0;
    for (; stack != 0 && n < STACK_FRAMES_MAX; stack = call_tree_caller(stack))
        frames[n++] = call_tree_pc(stack);
    return n;
}
