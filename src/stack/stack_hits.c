#include "stack/stack_hits.h"

#include "base/atomics.h"
#include "base/compiler.h"

/* Returns the hits of frames with this pc and sp. There are several, because a common allocation
 * function (xmalloc) has many callers whose stacks have the same depth. */
static struct stack_hit *stack_hits_like(struct stack_cache *cache, const struct frame *frame) {
    uint64_t hash = (frame->pc ^ frame->sp << 24) * 0x9e3779b97f4a7c15u;
    return cache->hits[(hash >> 32) % (HITS / HITS_ALIKE)];
}

static bool stack_hits_match(struct unwinder *u, const struct stack_hit *hit,
                             const struct frame *frame, unsigned wanted) {
    if (hit->frame.pc != frame->pc || hit->frame.sp != frame->sp) return false;
    if ((hit->fp_matters && hit->frame.fp != frame->fp) || hit->wanted < wanted) return false;
    for (unsigned i = 0; i < hit->words; i++) /* the words that change most often come first */
        if (stack_word(frame->sp + hit->at[i]) != hit->value[i]) return false;
    if (unlikely(hit->objects != 0) && !unwind_objects_stay(u, hit->objects)) return false;
    return hit->changes == u->changes;
}

stack_id stack_hits_find(struct stack_cache *cache, const struct frame *frame, unsigned wanted) {
    const struct stack_hit *alike = stack_hits_like(cache, frame);
    for (unsigned i = 0; i < HITS_ALIKE && !cache->unwinder.whole; i++)
        if (stack_hits_match(&cache->unwinder, &alike[i], frame, wanted)) return alike[i].stack;
    return 0;
}

/* Copies the words that determine the innermost `wanted` of the kept frames. Returns false if they
 * do not fit. */
static bool stack_hits_keep_words(const struct stack_cache *cache, struct stack_hit *hit,
                                  unsigned wanted) {
    const struct kept_frame *kept = cache->kept;
    unsigned n = cache->kept_frames;
    const struct saved_word *first = cache->saved, *end = first + kept[n - 1].words;
    if (n > wanted) first += kept[n - wanted].words;
    if (end - first > HIT_WORDS) return false;
    hit->words = (uint8_t)(end - first);
    for (unsigned i = 0; i < hit->words; i++) {
        uintptr_t above = (--end)->at - hit->frame.sp;
        if (above > UINT32_MAX) return false;
        hit->at[i] = (uint32_t)above;
        hit->value[i] = end->value;
    }
    return true;
}

void stack_hits_keep(struct stack_cache *cache, const struct frame *innermost, unsigned wanted,
                     stack_id stack) {
    unsigned n = cache->kept_frames;
    if (n == 0 || stack == 0 || (cache->is_cut && n < wanted)) return;
    const struct kept_frame *kept = &cache->kept[n - 1];
    struct stack_hit *hit = &stack_hits_like(cache, innermost)[cache->next_alike++ % HITS_ALIKE];
    if (kept->node != stack || !kept_frame_is(kept, innermost)) return;
    hit->frame.pc = 0; /* a handler may jump out of here */
    signal_order();
    hit->frame.sp = innermost->sp;
    hit->frame.fp = innermost->fp;
    hit->stack = stack;
    hit->changes = cache->changes;
    hit->objects = unwind_objects_that_go(&cache->unwinder, kept->objects);
    hit->fp_matters = kept->fp_matters;
    hit->wanted = (uint16_t)wanted;
    bool whole = stack_hits_keep_words(cache, hit, wanted);
    signal_order();
    if (whole) hit->frame.pc = innermost->pc;
}
