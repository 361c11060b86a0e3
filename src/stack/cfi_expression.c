/* Evaluates the expressions of call frame information, which run on a stack machine. */
#include "stack/cfi.h"
#include "stack/cfi_reader.h"

enum {
    X_ADDR = 0x03,
    X_DEREF = 0x06,
    X_CONST1U = 0x08,
    X_CONST1S,
    X_CONST2U,
    X_CONST2S,
    X_CONST4U,
    X_CONST4S,
    X_CONST8U,
    X_CONST8S,
    X_CONSTU,
    X_CONSTS,
    X_DUP,
    X_DROP,
    X_OVER,
    X_PICK,
    X_SWAP,
    X_ROT,
    X_ABS = 0x19,
    X_AND,
    X_DIV,
    X_MINUS,
    X_MOD,
    X_MUL,
    X_NEG,
    X_NOT,
    X_OR,
    X_PLUS,
    X_PLUS_UCONST,
    X_SHL,
    X_SHR,
    X_SHRA,
    X_XOR,
    X_BRA,
    X_EQ,
    X_GE,
    X_GT,
    X_LE,
    X_LT,
    X_NE,
    X_SKIP,
    X_LIT0 = 0x30,
    X_REG0 = 0x50,
    X_BREG0 = 0x70,
    X_BREGX = 0x92,
    X_DEREF_SIZE = 0x94,
    X_NOP = 0x96,
};

#define EXPRESSION_DEPTH 32u
#define EXPRESSION_STEPS 1000u /* limit for expressions with loops */

struct cfi_expression_machine {
    struct cfi_reader reader;
    const uint8_t *start;
    const struct registers *registers;
    struct reach *reach;
    uintptr_t stack[EXPRESSION_DEPTH];
    unsigned depth;
    enum cfi_answer answer;
};

static uintptr_t cfi_expression_fail(struct cfi_expression_machine *m) {
    if (m->answer == CFI_OK) m->answer = CFI_LOST;
    return 0;
}

static void cfi_expression_push(struct cfi_expression_machine *m, uintptr_t value) {
    if (m->depth == EXPRESSION_DEPTH)
        cfi_expression_fail(m);
    else
        m->stack[m->depth++] = value;
}

static uintptr_t cfi_expression_pop(struct cfi_expression_machine *m) {
    return m->depth == 0 ? cfi_expression_fail(m) : m->stack[--m->depth];
}

/* Returns the n-th value from the top. */
static uintptr_t cfi_expression_pick(struct cfi_expression_machine *m, uint64_t n) {
    return n >= m->depth ? cfi_expression_fail(m) : m->stack[m->depth - 1 - n];
}

static void cfi_expression_push_register(struct cfi_expression_machine *m, uint64_t number) {
    int64_t offset = cfi_sleb(&m->reader);
    if (number >= REGISTERS)
        cfi_expression_fail(m);
    else if (!(m->registers->known & REGISTER_BIT(number)))
        m->answer = CFI_BLIND;
    else
        cfi_expression_push(m, m->registers->value[number] + (uintptr_t)offset);
}

static void cfi_expression_load(struct cfi_expression_machine *m, uint64_t bytes) {
    uintptr_t word = 0;
    if (bytes == 0 || bytes > sizeof word || !reach_read(m->reach, cfi_expression_pop(m), &word))
        cfi_expression_fail(m);
    else
        cfi_expression_push(m,
                            bytes == sizeof word ? word : word & (((uintptr_t)1 << 8 * bytes) - 1));
}

static void cfi_expression_push_constant(struct cfi_expression_machine *m, uint8_t op) {
    unsigned bytes = 1u << (op - X_CONST1U) / 2, shift = 64 - 8 * bytes;
    uint64_t value = cfi_fixed(&m->reader, bytes);
    bool is_signed = (op - X_CONST1U) % 2 != 0;
    cfi_expression_push(m, is_signed ? (uintptr_t)((int64_t)(value << shift) >> shift) : value);
}

static void cfi_expression_jump(struct cfi_expression_machine *m, bool goes) {
    int16_t by = (int16_t)cfi_fixed(&m->reader, 2);
    if (!goes) return;
    if (by < m->start - m->reader.at || by > m->reader.end - m->reader.at)
        cfi_expression_fail(m);
    else
        m->reader.at += by;
}

static void cfi_expression_rotate(struct cfi_expression_machine *m) {
    uintptr_t a = cfi_expression_pop(m), b = cfi_expression_pop(m), c = cfi_expression_pop(m);
    cfi_expression_push(m, a);
    cfi_expression_push(m, c);
    cfi_expression_push(m, b);
}

static void cfi_expression_swap(struct cfi_expression_machine *m) {
    uintptr_t a = cfi_expression_pop(m), b = cfi_expression_pop(m);
    cfi_expression_push(m, a);
    cfi_expression_push(m, b);
}

/* Computes a binary operation; `b` was above `a` on the stack. */
static uintptr_t cfi_expression_combine(struct cfi_expression_machine *m, uint8_t op, uintptr_t a,
                                        uintptr_t b) {
    intptr_t signed_a = (intptr_t)a, signed_b = (intptr_t)b;
    switch (op) {
    case X_AND:
        return a & b;
    case X_OR:
        return a | b;
    case X_XOR:
        return a ^ b;
    case X_PLUS:
        return a + b;
    case X_MINUS:
        return a - b;
    case X_MUL:
        return a * b;
    case X_DIV:
        return b + 1 <= 1 ? cfi_expression_fail(m) : (uintptr_t)(signed_a / signed_b);
    case X_MOD:
        return b == 0 ? cfi_expression_fail(m) : a % b;
    case X_SHL:
        return b < 64 ? a << b : 0;
    case X_SHR:
        return b < 64 ? a >> b : 0;
    case X_SHRA:
        return (uintptr_t)(signed_a >> (b < 64 ? b : 63));
    case X_EQ:
        return a == b;
    case X_NE:
        return a != b;
    case X_GE:
        return signed_a >= signed_b;
    case X_GT:
        return signed_a > signed_b;
    case X_LE:
        return signed_a <= signed_b;
    case X_LT:
        return signed_a < signed_b;
    default:
        return cfi_expression_fail(m);
    }
}

/* Executes operations that push an operand or memory. Returns false for others. */
static bool cfi_expression_do_push(struct cfi_expression_machine *m, uint8_t op) {
    switch (op) {
    case X_ADDR:
        cfi_expression_push(m, cfi_fixed(&m->reader, sizeof(uintptr_t)));
        break;
    case X_DEREF:
        cfi_expression_load(m, sizeof(uintptr_t));
        break;
    case X_DEREF_SIZE:
        cfi_expression_load(m, cfi_fixed(&m->reader, 1));
        break;
    case X_CONSTU:
        cfi_expression_push(m, cfi_uleb(&m->reader));
        break;
    case X_CONSTS:
        cfi_expression_push(m, (uintptr_t)cfi_sleb(&m->reader));
        break;
    case X_BREGX:
        cfi_expression_push_register(m, cfi_uleb(&m->reader));
        break;
    default:
        return false;
    }
    return true;
}

/* Executes operations that rearrange the stack. Returns false for others. */
static bool cfi_expression_do_stack(struct cfi_expression_machine *m, uint8_t op) {
    switch (op) {
    case X_DUP:
        cfi_expression_push(m, cfi_expression_pick(m, 0));
        break;
    case X_OVER:
        cfi_expression_push(m, cfi_expression_pick(m, 1));
        break;
    case X_PICK:
        cfi_expression_push(m, cfi_expression_pick(m, cfi_fixed(&m->reader, 1)));
        break;
    case X_DROP:
        cfi_expression_pop(m);
        break;
    case X_SWAP:
        cfi_expression_swap(m);
        break;
    case X_ROT:
        cfi_expression_rotate(m);
        break;
    default:
        return false;
    }
    return true;
}

/* Executes all other operations: jumps and arithmetic. */
static void cfi_expression_do_other(struct cfi_expression_machine *m, uint8_t op) {
    uintptr_t a;
    switch (op) {
    case X_NEG:
        cfi_expression_push(m, 0 - cfi_expression_pop(m));
        break;
    case X_NOT:
        cfi_expression_push(m, ~cfi_expression_pop(m));
        break;
    case X_ABS:
        a = cfi_expression_pop(m);
        cfi_expression_push(m, (intptr_t)a < 0 ? 0 - a : a);
        break;
    case X_PLUS_UCONST:
        cfi_expression_push(m, cfi_expression_pop(m) + cfi_uleb(&m->reader));
        break;
    case X_SKIP:
        cfi_expression_jump(m, true);
        break;
    case X_BRA:
        cfi_expression_jump(m, cfi_expression_pop(m) != 0);
        break;
    case X_NOP:
        break;
    default:
        a = cfi_expression_pop(m);
        cfi_expression_push(m, cfi_expression_combine(m, op, cfi_expression_pop(m), a));
    }
}

enum cfi_answer cfi_evaluate(const uint8_t *expression, const struct registers *registers,
                             const uintptr_t *cfa, struct reach *reach, uintptr_t *value) {
    struct cfi_reader head = {expression, (const uint8_t *)UINTPTR_MAX, false};
    uint64_t length = cfi_uleb(&head);
    struct cfi_expression_machine m = {.reader = {head.at, head.at + length, false},
                                       .start = head.at,
                                       .registers = registers,
                                       .reach = reach};
    if (cfa != NULL) cfi_expression_push(&m, *cfa);
    for (unsigned step = 0; m.reader.at < m.reader.end && m.answer == CFI_OK; step++) {
        uint8_t op = (uint8_t)cfi_fixed(&m.reader, 1);
        if (op >= X_CONST1U && op <= X_CONST8S)
            cfi_expression_push_constant(&m, op);
        else if (op >= X_LIT0 && op < X_REG0)
            cfi_expression_push(&m, op - X_LIT0);
        else if (op >= X_BREG0 && op < X_BREG0 + 32)
            cfi_expression_push_register(&m, op - X_BREG0);
        else if (!cfi_expression_do_push(&m, op) && !cfi_expression_do_stack(&m, op))
            cfi_expression_do_other(&m, op);
        if (step == EXPRESSION_STEPS || m.reader.failed) cfi_expression_fail(&m);
    }
    *value = cfi_expression_pop(&m);
    return m.answer;
}
