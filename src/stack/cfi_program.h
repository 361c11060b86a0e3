/* The programs of call frame information, which build the row of an instruction. */
#ifndef MALLOW_CFI_PROGRAM_H
#define MALLOW_CFI_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/cfi_row.h"

/* Runs cfi->program[program] on cfi->row, up to the instruction at `pc`. Returns false if the
 * program is not understood. */
bool cfi_run(struct cfi *cfi, unsigned program, uintptr_t pc);

#endif
