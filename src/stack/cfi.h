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

#include "stack/cfi_row.h"
#include "stack/machine.h"
#include "stack/reach.h"

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

#endif
