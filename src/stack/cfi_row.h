/* The rows of call frame information: for one instruction, where the caller's registers are. */
#ifndef MALLOW_CFI_ROW_H
#define MALLOW_CFI_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/machine.h"

enum cfi_kind {
    CFI_SAME,          /* unchanged */
    CFI_UNDEFINED,     /* lost; for the return address: there is no caller */
    CFI_AT,            /* saved at CFA + offset */
    CFI_IS,            /* equal to CFA + offset */
    CFI_REGISTER,      /* in the register `number`; for the CFA: that register + offset */
    CFI_AT_EXPRESSION, /* saved at the address that the expression computes */
    CFI_IS_EXPRESSION, /* equal to the value that the expression computes */
};

struct cfi_rule {
    uint8_t kind, number;
    union {
        int64_t offset;
        const uint8_t *expression; /* its length, followed by its operations */
    };
};

struct cfi_row {
    struct cfi_rule cfa; /* the canonical frame address: the caller's stack pointer */
    struct cfi_rule rule[REGISTERS];
};

#define CFI_REMEMBERED 6u

/* The result and the working data of cfi_find. Too large for small stacks. */
struct cfi {
    struct cfi_row row;
    bool signal_frame; /* the frame of a signal handler, which interrupted its caller */
    uint8_t return_register;

    uintptr_t start;                            /* of the function */
    const uint8_t *program[2], *program_end[2]; /* [0] of several functions, [1] of this one */
    uint64_t code_factor;
    int64_t data_factor;
    uint8_t encoding;
    bool augmented;
    unsigned remembered;
    struct cfi_row initial, memory[CFI_REMEMBERED];
};

#endif
