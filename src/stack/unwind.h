/*
 * Steps from a frame to the frame of its caller.
 *
 * Most rules have the same form: the caller's stack pointer is the stack or frame pointer plus a
 * number, and the return address and perhaps the frame pointer are saved at fixed places below it.
 * Such a rule is kept, by pc, in 24 bytes. All other rules are looked up in the object's tables
 * each time.
 *
 * A rule holds while its object is loaded. An object may be unloaded and another one may take its
 * place, so each capture checks an object once before it uses the object's rules.
 */
#ifndef MALLOW_UNWIND_H
#define MALLOW_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/cfi.h"
#include "stack/loaded.h"
#include "stack/machine.h"
#include "stack/reach.h"
#include "stack/unwind_rule.h"

#define UNWIND_RULES 4096u
#define UNWIND_OBJECTS 32u

/* The registers that most rules need. The pc is a return address; the frame executes the byte
 * before it. */
struct frame {
    uintptr_t pc, sp, fp;
};

struct object {
    struct loaded loaded;
    uint64_t seen;   /* number of the capture that has checked it last */
    uint32_t number; /* unique; its place in the table is number % UNWIND_OBJECTS; 0: free */
};

struct unwinder {
    struct reach reach;
    uint64_t capture; /* number of the current capture */
    uint32_t changes; /* counts changes of the stack, and objects that lost their place */
    uint32_t next_place;
    struct object objects[UNWIND_OBJECTS];
    bool whole; /* follow all registers, and use no rules from the table */
    struct registers registers;
    struct cfi cfi;
    struct rule rules[UNWIND_RULES];
};

enum step {
    STEP_OK,
    STEP_END,   /* there is no caller */
    STEP_LOST,  /* the caller cannot be found */
    STEP_BLIND, /* the caller can be found only with all registers, from the first frame on */
};

/* The data that a step from one frame to the next depended on. */
struct step_reads {
    bool repeatable;  /* only the frame and the words below, which are all in reach */
    bool uses_fp;     /* the caller's frame is found by the frame pointer */
    uint8_t object;   /* place in the table */
    uintptr_t ra_at;  /* address of the saved return address; 0 at the end */
    uintptr_t fp_at;  /* address of the saved frame pointer; 0: unchanged */
    uintptr_t cfa_at; /* address of the caller's saved stack pointer; 0: computed */
};

/* Begins a capture at a frame. */
void unwind_begin(struct unwinder *unwinder, const struct frame *frame);

/* Begins a capture with these registers, and stores its first frame in *frame. `whole`: follow all
 * registers. */
void unwind_begin_registers(struct unwinder *unwinder, const struct registers *from, bool whole,
                            struct frame *frame);

/* Replaces *frame by the frame of its caller if it returns STEP_OK. */
enum step unwind_step(struct unwinder *unwinder, struct frame *frame, struct step_reads *reads);

/* Replaces a frame that is in no object by its caller, if that is in an object and the frame has
 * not executed anything yet. Returns false for all other frames. */
bool unwind_called(struct unwinder *unwinder, struct frame *frame);

/* Returns true if the objects in these places (a bit each) have not been replaced. */
bool unwind_objects_stay(struct unwinder *unwinder, uint32_t places);

/* Returns the places among these whose objects may be unloaded. */
uint32_t unwind_objects_that_go(const struct unwinder *unwinder, uint32_t places);

#endif
