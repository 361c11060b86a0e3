/*
 * From a frame to its caller's.
 *
 * Most rules are alike: the caller's stack pointer is ours, or the frame pointer, plus a number,
 * and the return address and perhaps the frame pointer are saved at fixed places below it. Such a
 * rule is kept, by pc, in 24 bytes. Everything else is looked up in the object's tables each time.
 *
 * A rule holds while its object is loaded. Objects may be unloaded and others take their place, so
 * an object's rules count in a capture after it was looked at once.
 */
#ifndef MALLOW_UNWIND_H
#define MALLOW_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/cfi.h"
#include "stack/loaded.h"
#include "stack/machine.h"
#include "stack/reach.h"

#define UNWIND_RULES 4096u
#define UNWIND_OBJECTS 32u

/* What most rules need to know of a frame. pc: a return address, the frame is at the byte before.
 */
struct frame {
    uintptr_t pc, sp, fp;
};

enum rule_kind {
    RULE_NONE,
    RULE_SP,       /* CFA = sp + offset */
    RULE_FP,       /* CFA = fp + offset */
    RULE_FP_LOAD,  /* CFA = what is at fp + offset; fp is saved at its own offset from fp */
    RULE_FP_GUESS, /* without a description: as if the function kept a frame pointer */
    RULE_END,      /* there is no caller */
};

struct rule {
    uintptr_t pc;
    uint32_t object; /* its number, see below */
    int32_t cfa_offset;
    int16_t ra_offset, fp_offset; /* from the CFA; of fp 0: not saved */
    uint8_t kind;
};

struct object {
    struct loaded loaded;
    uint64_t seen;   /* in which capture it was there */
    uint32_t number; /* its place in the table is number % UNWIND_OBJECTS; 0: free */
};

struct unwinder {
    struct reach reach;
    uint64_t capture; /* the number of the capture that goes on */
    uint32_t changes; /* how often the stack was another one, or an object gone from its place */
    uint32_t next_place;
    struct object objects[UNWIND_OBJECTS];
    bool whole; /* all registers are followed, and no rule is taken from the table */
    struct registers registers;
    struct cfi cfi;
    struct rule rules[UNWIND_RULES];
};

enum step {
    STEP_OK,
    STEP_END,   /* there is no caller */
    STEP_LOST,  /* it cannot be found */
    STEP_BLIND, /* only with all registers, from the first frame on */
};

/* What a step from one frame to the next depended on. */
struct step_reads {
    bool repeatable;  /* on nothing but the frame and the words here, all in reach */
    bool uses_fp;     /* for more than handing it on */
    uint8_t object;   /* place in the table */
    uintptr_t ra_at;  /* where the return address is saved; 0 at the end */
    uintptr_t fp_at;  /* where the frame pointer is saved; 0: it is the caller's still */
    uintptr_t cfa_at; /* where the caller's stack pointer is saved; 0: computed */
};

/* Begins a capture at the frame. */
void unwind_begin(struct unwinder *unwinder, const struct frame *frame);

/* Begins one where the registers are these. whole: with all of them. */
void unwind_begin_registers(struct unwinder *unwinder, const struct registers *from, bool whole,
                            struct frame *frame);

enum step unwind_step(struct unwinder *unwinder, struct frame *frame, struct step_reads *reads);

/* The caller of a frame that is in no object but was called from one, and has done nothing yet;
 * false for all other frames. */
bool unwind_called(struct unwinder *unwinder, struct frame *frame);

/* Whether the objects in these places (a bit each) are the ones that were there. */
bool unwind_objects_stay(struct unwinder *unwinder, uint32_t places);

/* Those of them that may be unloaded. */
uint32_t unwind_objects_that_go(const struct unwinder *unwinder, uint32_t places);

#endif
