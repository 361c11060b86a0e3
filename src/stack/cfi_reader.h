/* Reading the encoded numbers of call frame information. At the end of the data, and for an unknown
 * encoding, the functions set `failed` and return 0. */
#ifndef MALLOW_CFI_READER_H
#define MALLOW_CFI_READER_H

#include <stdbool.h>
#include <stdint.h>

struct cfi_reader {
    const uint8_t *at, *end;
    bool failed;
};

/* Read an unsigned and a signed LEB128 number. */
uint64_t cfi_uleb(struct cfi_reader *reader);
int64_t cfi_sleb(struct cfi_reader *reader);

/* Reads a number of 1, 2, 4 or 8 bytes. */
uint64_t cfi_fixed(struct cfi_reader *reader, unsigned bytes);

/* Reads a number in the format of a pointer encoding (DW_EH_PE_*). */
uint64_t cfi_number(struct cfi_reader *reader, uint8_t encoding);

/* Reads a pointer; `data_base` is the address to which data-relative pointers refer. Does not
 * follow indirect pointers, because no value that they lead to is needed. */
uintptr_t cfi_pointer(struct cfi_reader *reader, uint8_t encoding, uintptr_t data_base);

#endif
