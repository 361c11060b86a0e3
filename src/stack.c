/*
 * Stacks, captured with the help of the one before.
 *
 * A thread's next stack mostly has the same outer frames. So the frames of the last one are kept,
 * outermost first, each with the words of the stack that its caller was found by. As soon as a
 * frame is met that is in the list, its callers are those of the list too, if all those words are
 * what they were: a load and a compare a frame instead of a step, and the interned node is at hand.
 *
 * Of the frame pointer only what some caller's frame is found by is compared; to the others it is a
 * register like any other, which changes between captures.
 */
#include "stack.h"

#include <string.h>

#include "call_tree.h"
#include "os.h"
#include "unwind.h"

/* A stack of at most so many frames is known whole. Of a deeper one the innermost CUT_FRAMES are
 * taken, the last of them as if nobody had called it; the next captures, as long as they have
 * enough frames in common with it, go on from there. */
#define KEPT_FRAMES 256u
#define CUT_FRAMES 128u

struct kept {
    struct frame frame;
    uintptr_t ra_at, fp_at, cfa_at; /* the words that the next frame was found by; 0: none */
    uint32_t node;
    uint32_t objects; /* of this frame and all outside of it: a bit for each place */
    bool fp_matters;  /* this frame or one outside of it is found by frame.fp */
};

/* A frame on the way. */
struct met {
    struct frame frame;
    struct step_reads reads;
};

struct stack_cache {
    uint32_t kept_frames; /* [0] is the outermost */
    bool is_cut;          /* there are more outside of [0] */
    uint32_t changes;     /* the unwinder's, when they were kept: with another one they are void */
    struct unwinder unwinder;
    struct kept kept[KEPT_FRAMES];
    struct met met[KEPT_FRAMES]; /* [0] is the innermost */
};

struct walk {
    unsigned met;        /* frames that were met, from the innermost on */
    unsigned joined;     /* how many of the kept ones are outside of them */
    unsigned candidates; /* how many of the kept ones may yet be met */
    bool complete;       /* up to the outermost frame */
    bool too_deep;       /* for that */
};

/* ---- the frames of the last stack ---- */

/* Whether the words that the innermost `*frames` of the list were found by are what they were; else
 * *frames becomes the number of those outside of the first that is not. */
static bool still_true(const struct stack_cache *cache, unsigned *frames) {
    const struct kept *kept = cache->kept;
    for (unsigned i = *frames; i-- > 1;) {
        *frames = i;
        if (return_address(stack_word(kept[i].ra_at)) != kept[i - 1].frame.pc) return false;
        if (kept[i].fp_at != 0 && stack_word(kept[i].fp_at) != kept[i - 1].frame.fp) return false;
        if (kept[i].cfa_at != 0 && stack_word(kept[i].cfa_at) != kept[i - 1].frame.sp) return false;
    }
    *frames = 0;
    return kept[0].ra_at == 0 || stack_word(kept[0].ra_at) == 0;
}

static bool is_kept(const struct kept *kept, const struct frame *frame) {
    return kept->frame.sp == frame->sp && kept->frame.pc == frame->pc &&
           (!kept->fp_matters || kept->frame.fp == frame->fp);
}

/* Whether the stack goes on from this frame as the list does. */
static bool joins(struct stack_cache *cache, const struct frame *frame, struct walk *walk) {
    unsigned n = walk->candidates;
    while (n > 0 && cache->kept[n - 1].frame.sp < frame->sp) n--;
    walk->candidates = n;
    if (n == 0 || !is_kept(&cache->kept[n - 1], frame)) return false;
    if ((cache->is_cut && walk->met + n < STACK_FRAMES_MAX) ||
        !unwind_objects_stay(&cache->unwinder, cache->kept[n - 1].objects) ||
        cache->unwinder.changes != cache->changes) {
        walk->candidates = 0;
        return false;
    }
    /* What is outside of a word that has changed may be met again, but not before. */
    if (still_true(cache, &walk->candidates)) walk->joined = n;
    return walk->joined != 0;
}

/* ---- walking ---- */

static struct { uintptr_t start, end; } left_out;

void stack_leave_out(const void *start, const void *end) {
    left_out.start = (uintptr_t)start;
    left_out.end = (uintptr_t)end;
}

static bool is_left_out(uintptr_t pc) {
    return loaded_is_own(pc - 1) || pc - 1 - left_out.start < left_out.end - left_out.start;
}

/* The library's own frames, up to the first that is none. */
static enum step leave_library(struct stack_cache *cache, struct frame *frame, struct walk *walk) {
    struct unwinder *u = &cache->unwinder;
    struct step_reads reads;
    (void)walk;
    enum step step = unwind_step(u, frame, &reads);
    while (step == STEP_OK && is_left_out(frame->pc)) step = unwind_step(u, frame, &reads);
    return step;
}

/* Where a call has led to no code at all: only its return address is known. */
static enum step leave_nowhere(struct stack_cache *cache, struct frame *frame, struct walk *walk) {
    struct met *met = &cache->met[0];
    met->frame = *frame;
    met->reads = (struct step_reads){.repeatable = false};
    if (unwind_called(&cache->unwinder, frame)) walk->met = 1;
    return STEP_OK;
}

static enum step meet(struct stack_cache *cache, struct frame *frame, struct walk *walk) {
    enum step step = STEP_OK;
    while (step == STEP_OK && !joins(cache, frame, walk) && walk->met < KEPT_FRAMES) {
        struct met *met = &cache->met[walk->met++];
        met->frame = *frame;
        step = unwind_step(&cache->unwinder, frame, &met->reads);
    }
    walk->complete = walk->joined != 0 || step == STEP_END;
    return step;
}

/* ---- keeping ---- */

/* For a list that is full: without its outer half it begins with a frame that is taken as it is. */
static unsigned drop_outer(struct stack_cache *cache) {
    memmove(cache->kept, cache->kept + KEPT_FRAMES - CUT_FRAMES, CUT_FRAMES * sizeof *cache->kept);
    cache->kept[0].ra_at = 0;
    cache->is_cut = true;
    return CUT_FRAMES;
}

/* False: what is outside of the frame cannot be told from this frame and some words. */
static bool keep_frame(struct stack_cache *cache, unsigned *n, const struct met *met,
                       uint32_t node) {
    if (!met->reads.repeatable) return false;
    if (*n == KEPT_FRAMES) *n = drop_outer(cache);
    const struct kept *outer = *n == 0 ? NULL : &cache->kept[*n - 1];
    if (outer == NULL && met->reads.cfa_at != 0) return false;
    bool fp_matters = outer != NULL && outer->fp_matters;
    cache->kept[*n] = (struct kept){
        .frame = met->frame,
        .ra_at = met->reads.ra_at,
        .fp_at = fp_matters ? met->reads.fp_at : 0,
        .cfa_at = met->reads.cfa_at,
        .node = node,
        .objects = (uint32_t)1 << met->reads.object | (outer != NULL ? outer->objects : 0),
        .fp_matters = met->reads.uses_fp || (fp_matters && met->reads.fp_at == 0)};
    (*n)++;
    return true;
}

/* Interns the frames that were met, from the outermost on. */
static stack_id intern_stack(struct stack_cache *cache, const struct walk *walk, bool keeps) {
    unsigned n = walk->joined;
    uint32_t node = n == 0 ? 0 : cache->kept[n - 1].node;
    cache->kept_frames = 0; /* a handler may jump out of here */
    signal_order();
    if (n == 0) cache->is_cut = walk->too_deep;
    for (unsigned i = walk->met; i-- > 0;) {
        node = call_tree_node(node, cache->met[i].frame.pc);
        if (node == 0) break;
        if (keeps) keeps = keep_frame(cache, &n, &cache->met[i], node);
    }
    signal_order();
    cache->kept_frames = n;
    return node;
}

static void cut_off(struct stack_cache *cache, struct walk *walk) {
    struct step_reads *outermost = &cache->met[CUT_FRAMES - 1].reads;
    walk->met = CUT_FRAMES;
    outermost->ra_at = outermost->cfa_at = 0;
    outermost->uses_fp = false;
}

static stack_id finish_walk(struct stack_cache *cache, struct walk *walk, enum step step) {
    struct unwinder *u = &cache->unwinder;
    walk->too_deep = step == STEP_OK && !walk->complete;
    if (walk->too_deep) cut_off(cache, walk);
    stack_id stack = intern_stack(
        cache, walk, (walk->complete || walk->too_deep) && u->changes == cache->changes);
    if (u->changes != cache->changes) cache->kept_frames = 0;
    return stack;
}

static void begin_walk(struct stack_cache *cache, const struct registers *from, struct frame *frame,
                       struct walk *walk, bool whole) {
    struct unwinder *u = &cache->unwinder;
    unwind_begin(u, from, frame);
    u->whole = whole;
    if (whole || u->changes != cache->changes) cache->kept_frames = 0;
    cache->changes = u->changes;
    *walk = (struct walk){.candidates = cache->kept_frames};
}

static stack_id
capture_stack(struct stack_cache *cache, const struct registers *from,
              enum step (*leave)(struct stack_cache *, struct frame *, struct walk *), bool whole) {
    struct frame frame;
    struct walk walk;
    begin_walk(cache, from, &frame, &walk, whole);
    enum step step = leave(cache, &frame, &walk);
    if (step == STEP_OK) step = meet(cache, &frame, &walk);
    if (unlikely(step == STEP_BLIND) && !whole) return capture_stack(cache, from, leave, true);
    return finish_walk(cache, &walk, step);
}

size_t stack_cache_bytes(void) { return round_up(sizeof(struct stack_cache), os_page_size()); }

static struct stack_cache *new_cache(void) { return os_map(stack_cache_bytes()); }

NOINLINE stack_id stack_capture(struct stack_cache **cache) {
    struct registers here;
    if (unlikely(*cache == NULL)) *cache = new_cache();
    if (*cache == NULL) return 0;
    registers_here(&here);
    return here.pc == 0 ? 0 : capture_stack(*cache, &here, leave_library, false);
}

RARE stack_id stack_capture_interrupted(const void *context) {
    struct registers there;
    struct stack_cache *cache = new_cache();
    if (cache == NULL) return 0;
    registers_interrupted(&there, context);
    stack_id stack = there.pc == 0 ? 0 : capture_stack(cache, &there, leave_nowhere, false);
    os_unmap(cache, stack_cache_bytes());
    return stack;
}

unsigned stack_frames(stack_id stack, uintptr_t frames[STACK_FRAMES_MAX]) {
    unsigned n = 0;
    for (; stack != 0 && n < STACK_FRAMES_MAX; stack = call_tree_caller(stack))
        frames[n++] = call_tree_pc(stack);
    return n;
}
