/*
 * Call frame information, as compilers describe it in .eh_frame: for each instruction of a
 * function, where the registers of its caller are.
 *
 * Only the object's own tables are read, and for expressions what they name of the stack.
 */
#ifndef MALLOW_CFI_H
#define MALLOW_CFI_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/machine.h"
#include "stack/reach.h"

enum cfi_kind {
    CFI_SAME,          /* as it is */
    CFI_UNDEFINED,     /* lost; of the return address: there is no caller */
    CFI_AT,            /* saved at CFA + offset */
    CFI_IS,            /* CFA + offset */
    CFI_REGISTER,      /* in the register `number`; of the CFA: that and the offset */
    CFI_AT_EXPRESSION, /* saved where the expression says */
    CFI_IS_EXPRESSION, /* what the expression says */
};

struct cfi_rule {
    uint8_t kind, number;
    union {
        int64_t offset;
        const uint8_t *expression; /* its length, then itself */
    };
};

struct cfi_row {
    struct cfi_rule cfa; /* the canonical frame address: the caller's stack pointer */
    struct cfi_rule rule[REGISTERS];
};

#define CFI_REMEMBERED 6u

/* Filled in by cfi_find: too much for a small stack. */
struct cfi {
    struct cfi_row row;
    bool signal_frame; /* what it interrupted was no call */
    uint8_t return_register;

    uintptr_t start;                            /* of the function */
    const uint8_t *program[2], *program_end[2]; /* of all functions alike, of this one */
    uint64_t code_factor;
    int64_t data_factor;
    uint8_t encoding;
    bool augmented;
    unsigned remembered;
    struct cfi_row initial, memory[CFI_REMEMBERED];
};

/* The row of the instruction at pc. `table` is the object's .eh_frame_hdr. False: not described, or
 * not understood. */
bool cfi_find(struct cfi *cfi, const void *table, uintptr_t pc);

enum cfi_answer {
    CFI_OK,
    CFI_LOST,  /* unreadable, or nonsense */
    CFI_BLIND, /* a register is needed that is not known */
};

/* The value of an expression; the CFA is pushed first unless it is what is looked for (NULL). */
enum cfi_answer cfi_evaluate(const uint8_t *expression, const struct registers *registers,
                             const uintptr_t *cfa, struct reach *reach, uintptr_t *value);

/* ---- reading ---- */

struct cfi_reader {
    const uint8_t *at, *end;
    bool failed;
};

uint64_t cfi_uleb(struct cfi_reader *reader);
int64_t cfi_sleb(struct cfi_reader *reader);
/* A number of 1, 2, 4 or 8 bytes. */
uint64_t cfi_fixed(struct cfi_reader *reader, unsigned bytes);

#endif
