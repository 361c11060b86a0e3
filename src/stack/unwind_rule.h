/* Rules for a step from a frame to its caller, in a compact form that covers most functions. */
#ifndef MALLOW_UNWIND_RULE_H
#define MALLOW_UNWIND_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/cfi.h"

enum rule_kind {
    RULE_NONE,
    RULE_SP,       /* CFA = sp + offset */
    RULE_FP,       /* CFA = fp + offset */
    RULE_FP_LOAD,  /* CFA = the word at fp + offset; fp is saved at its own offset from fp */
    RULE_FP_GUESS, /* no description: assumes that the function keeps a frame pointer */
    RULE_END,      /* there is no caller */
};

struct rule {
    uintptr_t pc;
    uint32_t object; /* number of the object, see unwind.h */
    int32_t cfa_offset;
    int16_t ra_offset, fp_offset; /* from the CFA; fp_offset 0: not saved */
    uint8_t kind;
};

/* Sets all of *rule except `pc` and `object` to the equivalent of cfi->row. Returns false if the
 * row has no equivalent rule. */
bool unwind_rule_condense(const struct cfi *cfi, struct rule *rule);

#endif
