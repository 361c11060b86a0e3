/*
 * Call frame information, which compilers write to .eh_frame: for each instruction of a function,
 * it describes where the caller's registers are.
 *
 * These functions read only the tables of the object and, for expressions, the words of the stack
 * that they refer to. They are thread-safe, and each caller needs its own struct cfi.
 */
#ifndef MALLOW_CFI_H
#define MALLOW_CFI_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/machine.h"
#include "stack/reach.h"

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
    bool signal_frame; /* the frame of a signal handler: its caller was interrupted, not calling */
    uint8_t return_register;

    uintptr_t start;                            /* of the function */
    const uint8_t *program[2], *program_end[2]; /* common to several functions; of this one */
    uint64_t code_factor;
    int64_t data_factor;
    uint8_t encoding;
    bool augmented;
    unsigned remembered;
    struct cfi_row initial, memory[CFI_REMEMBERED];
};

/* Stores the row of the instruction at `pc` in cfi->row. `table` is the object's .eh_frame_hdr.
 * Returns false if the instruction is not described, or if the description is not understood. */
bool cfi_find(struct cfi *cfi, const void *table, uintptr_t pc);

enum cfi_answer {
    CFI_OK,
    CFI_LOST,  /* unreadable or invalid */
    CFI_BLIND, /* needs a register whose value is unknown */
};

/* Evaluates an expression into *value. The CFA is pushed first, unless the expression computes the
 * CFA itself; `cfa` is then NULL. */
enum cfi_answer cfi_evaluate(const uint8_t *expression, const struct registers *registers,
                             const uintptr_t *cfa, struct reach *reach, uintptr_t *value);

/* ---- reading: at the end of the data, the functions set `failed` ---- */

struct cfi_reader {
    const uint8_t *at, *end;
    bool failed;
};

/* Read an unsigned and a signed LEB128 number. */
uint64_t cfi_uleb(struct cfi_reader *reader);
int64_t cfi_sleb(struct cfi_reader *reader);

/* Reads a number of 1, 2, 4 or 8 bytes. */
uint64_t cfi_fixed(struct cfi_reader *reader, unsigned bytes);

#endif
