#include "stack/cfi_reader.h"

#include <stddef.h>
#include <string.h>

#include "base/numbers.h"

uint64_t cfi_fixed(struct cfi_reader *reader, unsigned bytes) {
    uint64_t value = 0;
    if ((size_t)(reader->end - reader->at) < bytes) {
        reader->failed = true;
        reader->at = reader->end;
        return 0;
    }
    memcpy(&value, reader->at, bytes); /* little-endian, like the supported processors */
    reader->at += bytes;
    return value;
}

static uint64_t cfi_reader_leb(struct cfi_reader *reader, bool is_signed) {
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = (uint8_t)cfi_fixed(reader, 1);
        if (shift < 64) value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (is_signed && (byte & 0x40) && shift < 64) value |= ~(uint64_t)0 << shift;
    return value;
}

uint64_t cfi_uleb(struct cfi_reader *reader) { return cfi_reader_leb(reader, false); }
int64_t cfi_sleb(struct cfi_reader *reader) { return (int64_t)cfi_reader_leb(reader, true); }

static int64_t cfi_reader_sign_extend(uint64_t value, unsigned bytes) {
    unsigned shift = 64 - 8 * bytes;
    return (int64_t)(value << shift) >> shift;
}

enum { /* pointer encodings, DW_EH_PE_* */
       ENCODING_OMIT = 0xff,
       ENCODING_FORMAT = 0x0f,
       ENCODING_BASE = 0x70,
       ENCODING_PC = 0x10,
       ENCODING_DATA = 0x30,
       ENCODING_ALIGNED = 0x50,
       ENCODING_INDIRECT = 0x80,
};

uint64_t cfi_number(struct cfi_reader *reader, uint8_t encoding) {
    switch (encoding & ENCODING_FORMAT) {
    case 0x0:
        return cfi_fixed(reader, sizeof(uintptr_t));
    case 0x1:
        return cfi_uleb(reader);
    case 0x2:
        return cfi_fixed(reader, 2);
    case 0x3:
        return cfi_fixed(reader, 4);
    case 0x4:
    case 0xc:
        return cfi_fixed(reader, 8);
    case 0x9:
        return (uint64_t)cfi_sleb(reader);
    case 0xa:
        return (uint64_t)cfi_reader_sign_extend(cfi_fixed(reader, 2), 2);
    case 0xb:
        return (uint64_t)cfi_reader_sign_extend(cfi_fixed(reader, 4), 4);
    default:
        reader->failed = true;
        return 0;
    }
}

uintptr_t cfi_pointer(struct cfi_reader *reader, uint8_t encoding, uintptr_t data_base) {
    uintptr_t here = (uintptr_t)reader->at;
    if ((encoding & ENCODING_BASE) == ENCODING_ALIGNED) {
        reader->at += round_up(here, sizeof here) - here;
        return cfi_fixed(reader, sizeof here);
    }
    uintptr_t value = cfi_number(reader, encoding);
    switch (encoding & ENCODING_BASE) {
    case 0:
        return value;
    case ENCODING_PC:
        return value + here;
    case ENCODING_DATA:
        return value + data_base;
    default:
        reader->failed = true;
        return 0;
    }
}
