/* Runs the programs of call frame information, which build the row of an instruction. */
#include "stack/cfi_program.h"

#include "base/numbers.h"
#include "stack/cfi_reader.h"

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

struct cfi_program_state {
    struct cfi *cfi;
    struct cfi_reader reader;
    uintptr_t location, pc;
    bool done;
};

static void cfi_program_set_rule(struct cfi_program_state *x, uint64_t number,
                                 struct cfi_rule rule) {
    if (number < REGISTERS) x->cfi->row.rule[number] = rule; /* other registers are not needed */
}

static void cfi_program_set_offset(struct cfi_program_state *x, uint64_t number, uint8_t kind,
                                   int64_t offset) {
    cfi_program_set_rule(x, number,
                         (struct cfi_rule){.kind = kind, .offset = offset * x->cfi->data_factor});
}

static void cfi_program_set_expression(struct cfi_program_state *x, struct cfi_rule *rule,
                                       uint8_t kind) {
    *rule = (struct cfi_rule){.kind = kind, .expression = x->reader.at};
    uint64_t length = cfi_uleb(&x->reader);
    if (length > (size_t)(x->reader.end - x->reader.at))
        x->reader.failed = true;
    else
        x->reader.at += length;
}

static void cfi_program_set_cfa(struct cfi_program_state *x, uint64_t number, int64_t offset) {
    if (number >= REGISTERS) x->reader.failed = true;
    x->cfi->row.cfa =
        (struct cfi_rule){.kind = CFI_REGISTER, .number = (uint8_t)number, .offset = offset};
}

static void cfi_program_restore_rule(struct cfi_program_state *x, uint64_t number) {
    if (number < REGISTERS) x->cfi->row.rule[number] = x->cfi->initial.rule[number];
}

static void cfi_program_advance(struct cfi_program_state *x, uint64_t by) {
    uintptr_t next = x->location + by * x->cfi->code_factor;
    if (next > x->pc) x->done = true;
    x->location = next;
}

static void cfi_program_remember(struct cfi_program_state *x) {
    if (x->cfi->remembered == CFI_REMEMBERED)
        x->reader.failed = true;
    else
        x->cfi->memory[x->cfi->remembered++] = x->cfi->row;
}

static void cfi_program_recall(struct cfi_program_state *x) {
    if (x->cfi->remembered == 0)
        x->reader.failed = true;
    else
        x->cfi->row = x->cfi->memory[--x->cfi->remembered];
}

/* Executes operations that change the location or save or restore the row. Returns false for
 * others. */
static bool cfi_program_do_location(struct cfi_program_state *x, uint8_t op) {
    struct cfi_reader *reader = &x->reader;
    switch (op) {
    case OP_NOP:
    case OP_NEGATE_RA_STATE:
        break;
    case OP_ARGS_SIZE:
        cfi_uleb(reader);
        break;
    case OP_SET_LOC:
        x->location = cfi_pointer(reader, x->cfi->encoding, 0);
        x->done = x->location > x->pc;
        break;
    case OP_ADVANCE1:
        cfi_program_advance(x, cfi_fixed(reader, 1));
        break;
    case OP_ADVANCE2:
        cfi_program_advance(x, cfi_fixed(reader, 2));
        break;
    case OP_ADVANCE4:
        cfi_program_advance(x, cfi_fixed(reader, 4));
        break;
    case OP_REMEMBER:
        cfi_program_remember(x);
        break;
    case OP_RECALL:
        cfi_program_recall(x);
        break;
    default:
        return false;
    }
    return true;
}

/* Executes operations that define the canonical frame address. Returns false for others. */
static bool cfi_program_do_cfa(struct cfi_program_state *x, uint8_t op) {
    struct cfi_reader *reader = &x->reader;
    struct cfi_rule *cfa = &x->cfi->row.cfa;
    uint64_t number;
    switch (op) {
    case OP_DEF_CFA:
        number = cfi_uleb(reader);
        cfi_program_set_cfa(x, number, (int64_t)cfi_uleb(reader));
        break;
    case OP_DEF_CFA_SF:
        number = cfi_uleb(reader);
        cfi_program_set_cfa(x, number, cfi_sleb(reader) * x->cfi->data_factor);
        break;
    case OP_DEF_CFA_REGISTER:
        cfi_program_set_cfa(x, cfi_uleb(reader), cfa->offset);
        break;
    case OP_DEF_CFA_OFFSET:
        cfi_program_set_cfa(x, cfa->number, (int64_t)cfi_uleb(reader));
        break;
    case OP_DEF_CFA_OFFSET_SF:
        cfi_program_set_cfa(x, cfa->number, cfi_sleb(reader) * x->cfi->data_factor);
        break;
    case OP_DEF_CFA_EXPRESSION:
        cfi_program_set_expression(x, cfa, CFI_IS_EXPRESSION);
        break;
    default:
        return false;
    }
    return true;
}

/* Executes operations that define the rule of a register, which is their first operand. */
static void cfi_program_do_register(struct cfi_program_state *x, uint8_t op) {
    struct cfi_reader *reader = &x->reader;
    struct cfi_rule rule = {0};
    uint64_t number = cfi_uleb(reader);
    switch (op) {
    case OP_OFFSET_EXTENDED:
        cfi_program_set_offset(x, number, CFI_AT, (int64_t)cfi_uleb(reader));
        break;
    case OP_OFFSET_EXTENDED_SF:
        cfi_program_set_offset(x, number, CFI_AT, cfi_sleb(reader));
        break;
    case OP_NEGATIVE_OFFSET_EXTENDED:
        cfi_program_set_offset(x, number, CFI_AT, -(int64_t)cfi_uleb(reader));
        break;
    case OP_VAL_OFFSET:
        cfi_program_set_offset(x, number, CFI_IS, (int64_t)cfi_uleb(reader));
        break;
    case OP_VAL_OFFSET_SF:
        cfi_program_set_offset(x, number, CFI_IS, cfi_sleb(reader));
        break;
    case OP_RESTORE_EXTENDED:
        cfi_program_restore_rule(x, number);
        break;
    case OP_UNDEFINED:
        cfi_program_set_rule(x, number, (struct cfi_rule){.kind = CFI_UNDEFINED});
        break;
    case OP_SAME_VALUE:
        cfi_program_set_rule(x, number, rule);
        break;
    case OP_REGISTER:
        rule.kind = CFI_REGISTER;
        rule.number = (uint8_t)min_size(cfi_uleb(reader), REGISTERS - 1);
        cfi_program_set_rule(x, number, rule);
        break;
    case OP_EXPRESSION:
    case OP_VAL_EXPRESSION:
        cfi_program_set_expression(x, &rule,
                                   op == OP_EXPRESSION ? CFI_AT_EXPRESSION : CFI_IS_EXPRESSION);
        cfi_program_set_rule(x, number, rule);
        break;
    default:
        reader->failed = true;
    }
}

static bool cfi_program_execute(struct cfi_program_state *x) {
    while (!x->done && !x->reader.failed && x->reader.at < x->reader.end) {
        uint8_t op = (uint8_t)cfi_fixed(&x->reader, 1), operand = op & 0x3f;
        switch (op & 0xc0) {
        case OP_ADVANCE:
            cfi_program_advance(x, operand);
            break;
        case OP_OFFSET:
            cfi_program_set_offset(x, operand, CFI_AT, (int64_t)cfi_uleb(&x->reader));
            break;
        case OP_RESTORE:
            cfi_program_restore_rule(x, operand);
            break;
        default:
            if (!cfi_program_do_location(x, op) && !cfi_program_do_cfa(x, op))
                cfi_program_do_register(x, op);
        }
    }
    return !x->reader.failed;
}

bool cfi_run(struct cfi *cfi, unsigned program, uintptr_t pc) {
    struct cfi_program_state x = {
        .cfi = cfi,
        .reader = {cfi->program[program], cfi->program_end[program], false},
        .location = cfi->start,
        .pc = pc};
    return cfi_program_execute(&x);
}
