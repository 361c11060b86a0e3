/* The last stacks of a thread. Only stack.c and stack_hits.c include this header. */
#ifndef MALLOW_STACK_CACHE_H
#define MALLOW_STACK_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/call_tree.h"
#include "stack/unwind.h"

/* Stacks of up to KEPT_FRAMES frames are captured completely. From a deeper stack, only the
 * innermost CUT_FRAMES are taken, as if the last of them had no caller. The next captures continue
 * from there as long as they have enough frames in common with it. */
#define KEPT_FRAMES 256u
#define CUT_FRAMES 128u

struct saved_word {
    uintptr_t at, value;
};

struct kept_frame {
    struct frame frame;
    uint32_t words; /* number of saved words of this frame and those outside of it */
    uint32_t node;
    uint32_t objects; /* of this frame and those outside of it: a bit for each place */
    bool fp_matters;  /* a frame outside of this one is found by frame.fp */
};

/* A frame that a walk has met. */
struct met_frame {
    struct frame frame;
    struct step_reads reads;
};

/* A stack that was captured before, and everything that it was derived from. If all of that is
 * unchanged, the stack is the same. */
#define HITS 1024u
#define HITS_ALIKE 8u
#define HIT_WORDS 32u

struct stack_hit {
    struct frame frame; /* the innermost one outside of the library; pc 0: the hit is free */
    stack_id stack;
    uint32_t changes; /* of the unwinder; if it has changed, the hit is invalid */
    uint32_t objects; /* those that may be unloaded: a bit for each place */
    uint16_t wanted;  /* number of frames that the words determine */
    uint8_t words;
    bool fp_matters;
    uint32_t at[HIT_WORDS]; /* distance from frame.sp */
    uintptr_t value[HIT_WORDS];
};

/* A recently used node of the call tree. */
#define MEMO 4096u

struct node_memo {
    uintptr_t pc;
    uint32_t caller, node;
};

struct stack_cache {
    uint32_t kept_frames; /* [0] is the outermost */
    bool is_cut;          /* there are more frames outside of [0] */
    uint32_t changes;     /* of the unwinder, for the kept frames; if changed, they are invalid */
    struct unwinder unwinder;
    struct kept_frame kept[KEPT_FRAMES];
    struct saved_word saved[3 * KEPT_FRAMES];
    struct met_frame met[KEPT_FRAMES]; /* [0] is the innermost */
    struct node_memo memo[MEMO];
    unsigned next_alike;
    struct stack_hit hits[HITS / HITS_ALIKE][HITS_ALIKE];
};

/* Returns true if the kept frame is the same as `frame`. */
static inline bool kept_frame_is(const struct kept_frame *kept, const struct frame *frame) {
    return kept->frame.sp == frame->sp && kept->frame.pc == frame->pc &&
           (!kept->fp_matters || kept->frame.fp == frame->fp);
}

#endif
