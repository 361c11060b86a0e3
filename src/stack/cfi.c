#include "stack/cfi.h"

#include <string.h>

#include "base/numbers.h"

/* ---- reading ---- */

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

static uint64_t leb_number(struct cfi_reader *reader, bool is_signed) {
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

uint64_t cfi_uleb(struct cfi_reader *reader) { return leb_number(reader, false); }
int64_t cfi_sleb(struct cfi_reader *reader) { return (int64_t)leb_number(reader, true); }

static int64_t sign_extend(uint64_t value, unsigned bytes) {
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

static uint64_t formatted_number(struct cfi_reader *reader, uint8_t encoding) {
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
        return (uint64_t)sign_extend(cfi_fixed(reader, 2), 2);
    case 0xb:
        return (uint64_t)sign_extend(cfi_fixed(reader, 4), 4);
    default:
        reader->failed = true;
        return 0;
    }
}

/* Does not follow indirect pointers, because no value that they lead to is needed. */
static uintptr_t encoded_pointer(struct cfi_reader *reader, uint8_t encoding, uintptr_t data_base) {
    uintptr_t here = (uintptr_t)reader->at;
    if ((encoding & ENCODING_BASE) == ENCODING_ALIGNED) {
        reader->at += round_up(here, sizeof here) - here;
        return cfi_fixed(reader, sizeof here);
    }
    uintptr_t value = formatted_number(reader, encoding);
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

/* ---- from an address to the entry of its function ---- */

/* The sorted table has pairs of offsets from its start: of a function, and of the function's entry.
 */
struct search_table {
    uint8_t version, frame_encoding, count_encoding, table_encoding;
};
enum { TABLE_COUNT = 0x03, TABLE_OFFSETS = 0x3b }; /* all linkers write these encodings */

struct search_pair {
    int32_t function, entry;
};

static const uint8_t *search_entry(const void *sorted, uintptr_t pc) {
    const struct search_table *head = sorted;
    if (head->version != 1 || head->count_encoding != TABLE_COUNT ||
        head->table_encoding != TABLE_OFFSETS)
        return NULL;
    struct cfi_reader reader = {(const uint8_t *)(head + 1), (const uint8_t *)UINTPTR_MAX, false};
    encoded_pointer(&reader, head->frame_encoding, (uintptr_t)sorted);
    size_t low = 0, high = cfi_fixed(&reader, 4);
    if (reader.failed) return NULL;
    const struct search_pair *pairs = (const void *)reader.at;
    int64_t wanted = (int64_t)(pc - (uintptr_t)sorted);
    while (low < high) { /* invariant: low <= index of the first function after pc <= high */
        size_t middle = low + (high - low) / 2;
        if (pairs[middle].function <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : (const uint8_t *)sorted + pairs[low - 1].entry;
}

/* Returns a reader for the rest of an entry, after its length. */
static struct cfi_reader entry_at(const uint8_t *entry) {
    struct cfi_reader reader = {entry, (const uint8_t *)UINTPTR_MAX, false};
    uint64_t length = cfi_fixed(&reader, 4);
    if (length == 0xffffffff) length = cfi_fixed(&reader, 8);
    if (length == 0 || length > GIB) reader.failed = true;
    if (!reader.failed) reader.end = reader.at + length;
    return reader;
}

/* Reads the data of one letter of the augmentation. Returns false if the letter is unknown. */
static bool read_letter(struct cfi *cfi, struct cfi_reader *reader, char letter) {
    switch (letter) {
    case 'R':
        cfi->encoding = (uint8_t)cfi_fixed(reader, 1);
        break;
    case 'P':
        encoded_pointer(reader, (uint8_t)cfi_fixed(reader, 1) & 0x7f, 0);
        break;
    case 'L':
        cfi_fixed(reader, 1);
        break;
    case 'S':
        cfi->signal_frame = true;
        break;
    case 'B':
        break; /* return addresses are signed with key B */
    default:
        return false;
    }
    return true;
}

/* Reads the rest of the entry's head. If the augmentation begins with 'z', its length is known even
 * if it has unknown letters. */
static void read_augmentation(struct cfi *cfi, struct cfi_reader *reader, const char *letters) {
    const uint8_t *behind = NULL;
    cfi->encoding = 0;
    cfi->augmented = *letters == 'z';
    if (cfi->augmented) {
        letters++;
        uint64_t length = cfi_uleb(reader);
        if (length > (size_t)(reader->end - reader->at))
            reader->failed = true;
        else
            behind = reader->at + length;
    }
    while (*letters != '\0' && !reader->failed && read_letter(cfi, reader, *letters)) letters++;
    if (*letters != '\0' && behind == NULL) reader->failed = true;
    if (behind != NULL) reader->at = behind;
}

/* Reads the common information entry (CIE), which the entries of several functions share. */
static bool read_common(struct cfi *cfi, const uint8_t *entry) {
    struct cfi_reader reader = entry_at(entry);
    if (reader.failed || cfi_fixed(&reader, 4) != 0) return false;
    uint64_t version = cfi_fixed(&reader, 1);
    if (version != 1 && version != 3 && version != 4) return false;
    const char *letters = (const char *)reader.at;
    while (cfi_fixed(&reader, 1) != 0) {
    }
    if (version == 4 && (cfi_fixed(&reader, 1) != sizeof(uintptr_t) || cfi_fixed(&reader, 1) != 0))
        return false; /* addresses of another size, or segments */
    cfi->code_factor = cfi_uleb(&reader);
    cfi->data_factor = cfi_sleb(&reader);
    uint64_t column = version == 1 ? cfi_fixed(&reader, 1) : cfi_uleb(&reader);
    if (reader.failed || column >= REGISTERS) return false;
    cfi->return_register = (uint8_t)column;
    read_augmentation(cfi, &reader, letters);
    cfi->program[0] = reader.at;
    cfi->program_end[0] = reader.end;
    return !reader.failed;
}

static bool read_function(struct cfi *cfi, const uint8_t *entry, uintptr_t pc) {
    struct cfi_reader reader = entry_at(entry);
    if (reader.failed) return false;
    const uint8_t *here = reader.at;
    uint64_t back = cfi_fixed(&reader, 4);
    if (back == 0 || !read_common(cfi, here - back)) return false;
    cfi->start = encoded_pointer(&reader, cfi->encoding, 0);
    uintptr_t length = (uintptr_t)formatted_number(&reader, cfi->encoding & ENCODING_FORMAT);
    if (reader.failed || pc - cfi->start >= length) return false;
    if (cfi->augmented) {
        uint64_t skipped = cfi_uleb(&reader);
        if (skipped > (size_t)(reader.end - reader.at)) return false;
        reader.at += skipped;
    }
    cfi->program[1] = reader.at;
    cfi->program_end[1] = reader.end;
    return !reader.failed;
}

/* ---- the programs that make the rows ---- */

enum { /* in the upper two bits; the lower six are the operand */
       OP_ADVANCE = 0x40,
       OP_OFFSET = 0x80,
       OP_RESTORE = 0xc0,
};
enum {
    OP_NOP,
    OP_SET_LOC,
    OP_ADVANCE1,
    OP_ADVANCE2,
    OP_ADVANCE4,
    OP_OFFSET_EXTENDED,
    OP_RESTORE_EXTENDED,
    OP_UNDEFINED,
    OP_SAME_VALUE,
    OP_REGISTER,
    OP_REMEMBER,
    OP_RECALL,
    OP_DEF_CFA,
    OP_DEF_CFA_REGISTER,
    OP_DEF_CFA_OFFSET,
    OP_DEF_CFA_EXPRESSION,
    OP_EXPRESSION,
    OP_OFFSET_EXTENDED_SF,
    OP_DEF_CFA_SF,
    OP_DEF_CFA_OFFSET_SF,
    OP_VAL_OFFSET,
    OP_VAL_OFFSET_SF,
    OP_VAL_EXPRESSION,
    OP_NEGATE_RA_STATE = 0x2d, /* AArch64: see return_address() */
    OP_ARGS_SIZE = 0x2e,
    OP_NEGATIVE_OFFSET_EXTENDED = 0x2f,
};

struct execution {
    struct cfi *cfi;
    struct cfi_reader reader;
    uintptr_t location, pc;
    bool done;
};

static void set_rule(struct execution *x, uint64_t number, struct cfi_rule rule) {
    if (number < REGISTERS) x->cfi->row.rule[number] = rule; /* other registers are not needed */
}

static void set_offset(struct execution *x, uint64_t number, uint8_t kind, int64_t offset) {
    set_rule(x, number, (struct cfi_rule){.kind = kind, .offset = offset * x->cfi->data_factor});
}

static void set_expression(struct execution *x, struct cfi_rule *rule, uint8_t kind) {
    *rule = (struct cfi_rule){.kind = kind, .expression = x->reader.at};
    uint64_t length = cfi_uleb(&x->reader);
    if (length > (size_t)(x->reader.end - x->reader.at))
        x->reader.failed = true;
    else
        x->reader.at += length;
}

static void set_cfa(struct execution *x, uint64_t number, int64_t offset) {
    if (number >= REGISTERS) x->reader.failed = true;
    x->cfi->row.cfa =
        (struct cfi_rule){.kind = CFI_REGISTER, .number = (uint8_t)number, .offset = offset};
}

static void restore_rule(struct execution *x, uint64_t number) {
    if (number < REGISTERS) x->cfi->row.rule[number] = x->cfi->initial.rule[number];
}

static void advance_location(struct execution *x, uint64_t by) {
    uintptr_t next = x->location + by * x->cfi->code_factor;
    if (next > x->pc) x->done = true;
    x->location = next;
}

static void remember_row(struct execution *x) {
    if (x->cfi->remembered == CFI_REMEMBERED)
        x->reader.failed = true;
    else
        x->cfi->memory[x->cfi->remembered++] = x->cfi->row;
}

static void recall_row(struct execution *x) {
    if (x->cfi->remembered == 0)
        x->reader.failed = true;
    else
        x->cfi->row = x->cfi->memory[--x->cfi->remembered];
}

/* Executes operations that change the location or save or restore the row. Returns false for
 * others. */
static bool execute_location(struct execution *x, uint8_t op) {
    struct cfi_reader *reader = &x->reader;
    switch (op) {
    case OP_NOP:
        break;
    case OP_NEGATE_RA_STATE:
        break;
    case OP_ARGS_SIZE:
        cfi_uleb(reader);
        break;
    case OP_SET_LOC:
        x->location = encoded_pointer(reader, x->cfi->encoding, 0);
        x->done = x->location > x->pc;
        break;
    case OP_ADVANCE1:
        advance_location(x, cfi_fixed(reader, 1));
        break;
    case OP_ADVANCE2:
        advance_location(x, cfi_fixed(reader, 2));
        break;
    case OP_ADVANCE4:
        advance_location(x, cfi_fixed(reader, 4));
        break;
    case OP_REMEMBER:
        remember_row(x);
        break;
    case OP_RECALL:
        recall_row(x);
        break;
    default:
        return false;
    }
    return true;
}

/* Executes operations that define the canonical frame address. Returns false for others. */
static bool execute_cfa(struct execution *x, uint8_t op) {
    struct cfi_reader *reader = &x->reader;
    struct cfi_rule *cfa = &x->cfi->row.cfa;
    uint64_t number;
    switch (op) {
    case OP_DEF_CFA:
        number = cfi_uleb(reader);
        set_cfa(x, number, (int64_t)cfi_uleb(reader));
        break;
    case OP_DEF_CFA_SF:
        number = cfi_uleb(reader);
        set_cfa(x, number, cfi_sleb(reader) * x->cfi->data_factor);
        break;
    case OP_DEF_CFA_REGISTER:
        set_cfa(x, cfi_uleb(reader), cfa->offset);
        break;
    case OP_DEF_CFA_OFFSET:
        set_cfa(x, cfa->number, (int64_t)cfi_uleb(reader));
        break;
    case OP_DEF_CFA_OFFSET_SF:
        set_cfa(x, cfa->number, cfi_sleb(reader) * x->cfi->data_factor);
        break;
    case OP_DEF_CFA_EXPRESSION:
        set_expression(x, cfa, CFI_IS_EXPRESSION);
        break;
    default:
        return false;
    }
    return true;
}

/* Executes operations that define the rule of a register, which is their first operand. */
static void execute_register(struct execution *x, uint8_t op) {
    struct cfi_reader *reader = &x->reader;
    struct cfi_rule rule = {0};
    uint64_t number = cfi_uleb(reader);
    switch (op) {
    case OP_OFFSET_EXTENDED:
        set_offset(x, number, CFI_AT, (int64_t)cfi_uleb(reader));
        break;
    case OP_OFFSET_EXTENDED_SF:
        set_offset(x, number, CFI_AT, cfi_sleb(reader));
        break;
    case OP_NEGATIVE_OFFSET_EXTENDED:
        set_offset(x, number, CFI_AT, -(int64_t)cfi_uleb(reader));
        break;
    case OP_VAL_OFFSET:
        set_offset(x, number, CFI_IS, (int64_t)cfi_uleb(reader));
        break;
    case OP_VAL_OFFSET_SF:
        set_offset(x, number, CFI_IS, cfi_sleb(reader));
        break;
    case OP_RESTORE_EXTENDED:
        restore_rule(x, number);
        break;
    case OP_UNDEFINED:
        set_rule(x, number, (struct cfi_rule){.kind = CFI_UNDEFINED});
        break;
    case OP_SAME_VALUE:
        set_rule(x, number, rule);
        break;
    case OP_REGISTER:
        rule.kind = CFI_REGISTER;
        rule.number = (uint8_t)min_size(cfi_uleb(reader), REGISTERS - 1);
        set_rule(x, number, rule);
        break;
    case OP_EXPRESSION:
    case OP_VAL_EXPRESSION:
        set_expression(x, &rule, op == OP_EXPRESSION ? CFI_AT_EXPRESSION : CFI_IS_EXPRESSION);
        set_rule(x, number, rule);
        break;
    default:
        reader->failed = true;
    }
}

/* Runs a program up to the instruction at x->pc. Returns false if it is not understood. */
static bool execute_program(struct execution *x) {
    while (!x->done && !x->reader.failed && x->reader.at < x->reader.end) {
        uint8_t op = (uint8_t)cfi_fixed(&x->reader, 1), operand = op & 0x3f;
        switch (op & 0xc0) {
        case OP_ADVANCE:
            advance_location(x, operand);
            break;
        case OP_OFFSET:
            set_offset(x, operand, CFI_AT, (int64_t)cfi_uleb(&x->reader));
            break;
        case OP_RESTORE:
            restore_rule(x, operand);
            break;
        default:
            if (!execute_location(x, op) && !execute_cfa(x, op)) execute_register(x, op);
        }
    }
    return !x->reader.failed;
}

bool cfi_find(struct cfi *cfi, const void *sorted, uintptr_t pc) {
    const uint8_t *entry = search_entry(sorted, pc);
    memset(&cfi->row, 0, sizeof cfi->row);
    cfi->signal_frame = false;
    cfi->remembered = 0;
    if (entry == NULL || !read_function(cfi, entry, pc)) return false;
    for (unsigned i = 0; i < 2; i++) {
        struct execution x = {.cfi = cfi,
                              .reader = {cfi->program[i], cfi->program_end[i], false},
                              .location = cfi->start,
                              .pc = i == 0 ? UINTPTR_MAX : pc};
        if (!execute_program(&x)) return false;
        if (i == 0) cfi->initial = cfi->row;
    }
    return true;
}
