/* Call frame information that is written by hand is read correctly, with every operation, version
 * and augmentation, and its expressions are evaluated. */
#include "unit.h"

#include <string.h>

#include "stack/cfi.h"

/* An object: its table, its entries, and the addresses of its functions of 64 bytes each. */
#define FUNCTION_BYTES 64u
static struct {
    uint8_t table[256], entries[1024], code[1024];
} image;

static size_t used; /* bytes of `entries` */
static unsigned functions;
static struct cfi cfi;

static void emit(const void *bytes, size_t count) {
    memcpy(image.entries + used, bytes, count);
    used += count;
}
static void emit8(unsigned value) { emit(&(uint8_t){(uint8_t)value}, 1); }
static void emit32(uint64_t value) { emit(&(uint32_t){(uint32_t)value}, 4); }

/* Pads an entry and fills in its length. */
static void close_entry(size_t start) {
    while ((used - start) % 8 != 4) emit8(0);
    uint32_t length = (uint32_t)(used - start - 4);
    memcpy(image.entries + start, &length, 4);
}

static uintptr_t function(unsigned n) { return (uintptr_t)image.code + n * FUNCTION_BYTES; }

static void table_word(size_t at, uint64_t value) {
    memcpy(image.table + at, &(uint32_t){(uint32_t)value}, 4);
}

static void clear(void) {
    static const uint8_t head[] = {1, 0x1b, 0x03, 0x3b};
    memset(&image, 0, sizeof image);
    memcpy(image.table, head, sizeof head);
    used = functions = 0;
}

struct program {
    const uint8_t *bytes;
    size_t count;
};
#define PROGRAM(...) \
    (struct program) { (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}) }

#define DEF_CFA 0x0c
#define RSP 7
#define RBP 6
#define RA 16
#define AT(reg) (0x80 | (reg))
#define ADVANCE(n) (0x40 | (n))
#define RESTORE(reg) (0xc0 | (reg))

/* The first instructions of entries made by gcc: CFA = rsp + 8, return address at CFA - 8. */
static const uint8_t usual[] = {DEF_CFA, RSP, 8, AT(RA), 1};

static size_t common(unsigned version, const char *augmentation, struct program data,
                     struct program program) {
    size_t start = used;
    emit32(0), emit32(0);
    emit8(version);
    emit(augmentation, strlen(augmentation) + 1);
    if (version == 4) emit8(8), emit8(0);
    emit8(1), emit8(0x78), emit8(RA); /* factors 1 and -8 */
    emit(data.bytes, data.count);
    emit(program.bytes, program.count);
    close_entry(start);
    return start;
}

/* Adds the entry of the next function. `data` is the augmentation data with its length. */
static void describe(size_t head, struct program data, struct program program) {
    size_t start = used;
    table_word(4, (uintptr_t)image.entries - (uintptr_t)&image.table[4]);
    table_word(12 + functions * 8, function(functions) - (uintptr_t)image.table);
    table_word(16 + functions * 8, (uintptr_t)image.entries + start - (uintptr_t)image.table);
    emit32(0), emit32(used - head);
    emit32(function(functions) - (uintptr_t)(image.entries + used));
    emit32(FUNCTION_BYTES);
    emit(data.bytes, data.count);
    emit(program.bytes, program.count);
    close_entry(start);
    table_word(8, ++functions);
}

static const struct program nothing = {(const uint8_t[]){0}, 1};

/* Finds the row at the offset in a function with this program. */
static bool row_of(struct program program, unsigned offset) {
    clear();
    size_t head = common(1, "zR", PROGRAM(1, 0x1b), (struct program){usual, sizeof usual});
    describe(head, nothing, program);
    return cfi_find(&cfi, image.table, function(0) + offset);
}

static void check_cfa(unsigned number, int64_t offset) {
    assert_int_equal(cfi.row.cfa.kind, CFI_REGISTER);
    assert_int_equal(cfi.row.cfa.number, number);
    assert_int_equal(cfi.row.cfa.offset, offset);
}
static void check_rule(unsigned number, enum cfi_kind kind, int64_t offset) {
    assert_int_equal(cfi.row.rule[number].kind, kind);
    if (kind == CFI_REGISTER)
        assert_int_equal(cfi.row.rule[number].number, offset);
    else
        assert_int_equal(cfi.row.rule[number].offset, offset);
}

static void each_instruction_has_its_row(void **state) {
    (void)state;
    struct program push = PROGRAM(ADVANCE(1), 0x0e, 16, AT(RBP), 2, ADVANCE(3), 0x0d, RBP,
                                  ADVANCE(40), DEF_CFA, RSP, 8, RESTORE(RBP));
    assert_true(row_of(push, 0));
    check_cfa(RSP, 8);
    check_rule(RA, CFI_AT, -8);
    check_rule(RBP, CFI_SAME, 0);
    assert_true(row_of(push, 1));
    check_cfa(RSP, 16);
    check_rule(RBP, CFI_AT, -16);
    for (unsigned at = 4; at < 44; at++) {
        assert_true(row_of(push, at));
        check_cfa(RBP, 16);
    }
    assert_true(row_of(push, 63));
    check_cfa(RSP, 8);
    check_rule(RBP, CFI_SAME, 0);
    assert_false(row_of(push, 64));
    assert_false(row_of(push, (unsigned)-1));
}

static void advances_of_every_width(void **state) {
    (void)state;
    struct program far =
        PROGRAM(0x02, 10, 0x0e, 16, 0x03, 10, 0, 0x0e, 24, 0x04, 10, 0, 0, 0, 0x0e, 32);
    for (unsigned at = 0; at < 40; at++) {
        assert_true(row_of(far, at));
        check_cfa(RSP, 8 + 8 * (at / 10));
    }
}

static void every_rule(void **state) {
    (void)state;
    assert_true(row_of(PROGRAM(0x05, 3, 2,     /* offset_extended */
                               0x11, 12, 0x7e, /* offset_extended_sf: -2 */
                               0x14, 13, 3,    /* val_offset */
                               0x15, 14, 0x7d, /* val_offset_sf: -3 */
                               0x09, 15, 3,    /* register */
                               0x07, RA,       /* undefined */
                               0x2f, 8, 4,     /* GNU negative offset */
                               0x2e, 100,      /* GNU args size */
                               0x13, 0x7e,     /* def_cfa_offset_sf */
                               0, 0),
                       0));
    check_rule(3, CFI_AT, -16);
    check_rule(12, CFI_AT, 16);
    check_rule(13, CFI_IS, -24);
    check_rule(14, CFI_IS, 24);
    check_rule(15, CFI_REGISTER, 3);
    check_rule(RA, CFI_UNDEFINED, 0);
    check_rule(8, CFI_AT, 32);
    check_cfa(RSP, 16);
    assert_true(row_of(PROGRAM(AT(3), 2, 0x08, 3, AT(12), 2, 0x06, 12, 0x12, RBP, 0x7f), 0));
    check_rule(3, CFI_SAME, 0);
    check_rule(12, CFI_SAME, 0);
    check_cfa(RBP, 8);
}

static void rows_are_remembered(void **state) {
    (void)state;
    struct program twice = PROGRAM(0x0e, 16, 0x0a, 0x0e, 24, AT(3), 3, 0x0a, 0x0e, 32, ADVANCE(8),
                                   0x0b, ADVANCE(8), 0x0b);
    assert_true(row_of(twice, 0));
    check_cfa(RSP, 32);
    assert_true(row_of(twice, 8));
    check_cfa(RSP, 24);
    check_rule(3, CFI_AT, -24);
    assert_true(row_of(twice, 16));
    check_cfa(RSP, 16);
    check_rule(3, CFI_SAME, 0);
}

static void expressions_are_rules(void **state) {
    (void)state;
    assert_true(
        row_of(PROGRAM(0x0f, 3, 0x76, 0x70, 0x06, 0x10, 3, 2, 0x76, 0, 0x16, 12, 1, 0x30), 0));
    assert_int_equal(cfi.row.cfa.kind, CFI_IS_EXPRESSION);
    assert_int_equal(cfi.row.cfa.expression[0], 3);
    assert_int_equal(cfi.row.rule[3].kind, CFI_AT_EXPRESSION);
    assert_int_equal(cfi.row.rule[3].expression[1], 0x76);
    assert_int_equal(cfi.row.rule[12].kind, CFI_IS_EXPRESSION);
}

static void invalid_programs_are_rejected(void **state) {
    (void)state;
    assert_false(row_of(PROGRAM(0x3e), 0));            /* no such operation */
    assert_false(row_of(PROGRAM(0x0b), 0));            /* no row was remembered */
    assert_false(row_of(PROGRAM(0x0f, 100, 0x76), 0)); /* longer than the entry */
    assert_false(row_of(PROGRAM(DEF_CFA, 99, 8), 0));  /* no such register */
    struct program deep = PROGRAM(0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a, 0x0a);
    assert_false(row_of(deep, 0));
    assert_true(row_of(PROGRAM(AT(40), 2), 0)); /* a register that is ignored */
    image.table[0] = 2;
    assert_false(cfi_find(&cfi, image.table, function(0)));
    image.table[0] = 1;
    image.table[3] = 0x0b;
    assert_false(cfi_find(&cfi, image.table, function(0)));
}

static void every_version_and_augmentation(void **state) {
    (void)state;
    static const unsigned versions[] = {1, 3, 4};
    struct program usually = {usual, sizeof usual};
    for (unsigned i = 0; i < 3; i++) {
        clear();
        unsigned version = versions[i];
        size_t r = common(version, "zR", PROGRAM(1, 0x1b), usually);
        describe(r, nothing, PROGRAM(0x0e, 16));
        size_t plr = common(version, "zPLR", PROGRAM(7, 0x9b, 1, 2, 3, 4, 0x1b, 0x1b), usually);
        describe(plr, PROGRAM(4, 1, 2, 3, 4), PROGRAM(0x0e, 24));
        size_t rs = common(version, "zRS", PROGRAM(1, 0x1b), usually);
        describe(rs, nothing, PROGRAM(0x0e, 32));
        size_t unknown = common(version, "zRx", PROGRAM(3, 0x1b, 1, 2), usually);
        describe(unknown, nothing, PROGRAM(0x0e, 40));
        for (unsigned n = 0; n < 4; n++) {
            assert_true(cfi_find(&cfi, image.table, function(n) + n));
            check_cfa(RSP, 16 + 8 * n);
            check_rule(RA, CFI_AT, -8);
            assert_int_equal(cfi.signal_frame, n == 2);
        }
        assert_false(cfi_find(&cfi, image.table, function(4)));
    }
    clear();
    size_t newer = common(5, "zR", PROGRAM(1, 0x1b), usually);
    describe(newer, nothing, PROGRAM(0x0e, 16));
    assert_false(cfi_find(&cfi, image.table, function(0)));
}

/* ---- expressions ---- */

static uintptr_t memory[4];
static struct registers registers;
static struct reach reach;

static enum cfi_answer evaluate(struct program program, uintptr_t *value) {
    uint8_t block[64] = {(uint8_t)program.count};
    memcpy(block + 1, program.bytes, program.count);
    uintptr_t cfa = 1000;
    return cfi_evaluate(block, &registers, &cfa, &reach, value);
}

#define CHECK_VALUE(expected, ...)                                        \
    do {                                                                  \
        uintptr_t value;                                                  \
        assert_int_equal(evaluate(PROGRAM(__VA_ARGS__), &value), CFI_OK); \
        assert_int_equal(value, expected);                                \
    } while (0)
#define CHECK_ANSWER(expected, ...)                                         \
    do {                                                                    \
        uintptr_t value;                                                    \
        assert_int_equal(evaluate(PROGRAM(__VA_ARGS__), &value), expected); \
    } while (0)
#define LIT(n) (0x30 + (n))
#define MINUS_FIVE 0x09, 0xfb

static void constants(void **state) {
    (void)state;
    CHECK_VALUE(1000, 0x96);
    CHECK_VALUE(31, LIT(31));
    CHECK_VALUE(255, 0x08, 0xff);
    CHECK_VALUE((uintptr_t)-1, 0x09, 0xff);
    CHECK_VALUE(0xfffe, 0x0a, 0xfe, 0xff);
    CHECK_VALUE((uintptr_t)-2, 0x0b, 0xfe, 0xff);
    CHECK_VALUE(0x80000001, 0x0c, 1, 0, 0, 0x80);
    CHECK_VALUE(0xffffffff80000001, 0x0d, 1, 0, 0, 0x80);
    CHECK_VALUE(0x0807060504030201, 0x0e, 1, 2, 3, 4, 5, 6, 7, 8);
    CHECK_VALUE(0x0807060504030201, 0x0f, 1, 2, 3, 4, 5, 6, 7, 8);
    CHECK_VALUE(0x0807060504030201, 0x03, 1, 2, 3, 4, 5, 6, 7, 8);
    CHECK_VALUE(624485, 0x10, 0xe5, 0x8e, 0x26);
    CHECK_VALUE((uintptr_t)-128, 0x11, 0x80, 0x7f);
}

static void the_stack_is_rearranged(void **state) {
    (void)state;
    CHECK_VALUE(1001, LIT(1), 0x22);
    CHECK_VALUE(2, LIT(1), 0x12, 0x22);              /* dup */
    CHECK_VALUE(1, LIT(1), LIT(2), 0x13);            /* drop */
    CHECK_VALUE(1, LIT(1), LIT(2), 0x14);            /* over */
    CHECK_VALUE(7, LIT(7), LIT(1), LIT(2), 0x15, 2); /* pick */
    CHECK_VALUE(1, LIT(1), LIT(2), 0x16);            /* swap */
    CHECK_VALUE(2, LIT(1), LIT(2), LIT(3), 0x17);    /* rot: 3 1 2 */
    CHECK_VALUE(1, LIT(1), LIT(2), LIT(3), 0x17, 0x13);
    CHECK_VALUE(3, LIT(1), LIT(2), LIT(3), 0x17, 0x13, 0x13);
}

static void arithmetic(void **state) {
    (void)state;
    CHECK_VALUE(5, MINUS_FIVE, 0x19);
    CHECK_VALUE(4, LIT(12), LIT(6), 0x1a);
    CHECK_VALUE((uintptr_t)-2, MINUS_FIVE, LIT(2), 0x1b);
    CHECK_VALUE(6, LIT(8), LIT(2), 0x1c);
    CHECK_VALUE(2, LIT(8), LIT(3), 0x1d);
    CHECK_VALUE(24, LIT(8), LIT(3), 0x1e);
    CHECK_VALUE(5, MINUS_FIVE, 0x1f);
    CHECK_VALUE(4, MINUS_FIVE, 0x20);
    CHECK_VALUE(14, LIT(12), LIT(6), 0x21);
    CHECK_VALUE(300, 0x08, 100, 0x23, 0xc8, 0x01);
    CHECK_VALUE(48, LIT(3), LIT(4), 0x24);
    CHECK_VALUE(1, LIT(16), LIT(4), 0x25);
    CHECK_VALUE((uintptr_t)-3, MINUS_FIVE, LIT(1), 0x26);
    CHECK_VALUE(10, LIT(12), LIT(6), 0x27);
}

static void comparisons_and_jumps(void **state) {
    (void)state;
    static const uint8_t compare[] = {0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e}; /* eq ge gt le lt ne */
    for (unsigned i = 0; i < 6; i++) {
        int a = -5, b = 3;
        bool expected[] = {a == b, a >= b, a > b, a <= b, a < b, a != b};
        CHECK_VALUE(expected[i], MINUS_FIVE, LIT(3), compare[i]);
        CHECK_VALUE(i == 0 || i == 1 || i == 3, LIT(3), LIT(3), compare[i]);
    }
    CHECK_VALUE(1, LIT(1), 0x2f, 1, 0, LIT(2));         /* skip */
    CHECK_VALUE(1, LIT(1), LIT(1), 0x28, 1, 0, LIT(2)); /* bra, taken */
    CHECK_VALUE(2, LIT(1), LIT(0), 0x28, 1, 0, LIT(2)); /* bra, not taken */
    /* 4 3 2 1 0: a loop back */
    CHECK_VALUE(0, LIT(4), LIT(1), 0x1c, 0x12, 0x28, 0xfa, 0xff);
}

static void registers_and_memory(void **state) {
    (void)state;
    memory[1] = 0x1122334455667788;
    registers.value[RBP] = (uintptr_t)memory;
    registers.known = REGISTER_BIT(RBP);
    CHECK_VALUE((uintptr_t)memory - 16, 0x76, 0x70);
    CHECK_VALUE((uintptr_t)memory + 8, 0x92, RBP, 8);
    CHECK_VALUE(memory[1], 0x76, 8, 0x06);
    CHECK_VALUE(0x5566, 0x76, 10, 0x94, 2);
    CHECK_ANSWER(CFI_BLIND, 0x73, 0);
    CHECK_ANSWER(CFI_LOST, LIT(8), 0x06);
    CHECK_ANSWER(CFI_LOST, 0x76, 8, 0x94, 9);
    CHECK_ANSWER(CFI_LOST, 0x92, 77, 0);
}

static void invalid_expressions_are_rejected(void **state) {
    (void)state;
    CHECK_ANSWER(CFI_LOST, 0x2f, 0xfd, 0xff);       /* jumps to itself */
    CHECK_ANSWER(CFI_LOST, 0x2f, 0xfc, 0xff);       /* jumps before its start */
    CHECK_ANSWER(CFI_LOST, 0x2f, 1, 0);             /* jumps past its end */
    CHECK_ANSWER(CFI_LOST, 0x12, 0x2f, 0xfc, 0xff); /* fills the stack */
    CHECK_ANSWER(CFI_LOST, 0x13, 0x13);             /* pops from an empty stack */
    CHECK_ANSWER(CFI_LOST, 0x13);
    CHECK_ANSWER(CFI_LOST, LIT(1), LIT(0), 0x1b); /* divides by zero */
    CHECK_ANSWER(CFI_LOST, LIT(1), LIT(0), 0x1d);
    CHECK_ANSWER(CFI_LOST, 0x0e, 1, 2); /* is cut off */
    CHECK_ANSWER(CFI_LOST, 0xff);       /* no such operation */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_instruction_has_its_row),
        cmocka_unit_test(advances_of_every_width),
        cmocka_unit_test(every_rule),
        cmocka_unit_test(rows_are_remembered),
        cmocka_unit_test(expressions_are_rules),
        cmocka_unit_test(invalid_programs_are_rejected),
        cmocka_unit_test(every_version_and_augmentation),
        cmocka_unit_test(constants),
        cmocka_unit_test(the_stack_is_rearranged),
        cmocka_unit_test(arithmetic),
        cmocka_unit_test(comparisons_and_jumps),
        cmocka_unit_test(registers_and_memory),
        cmocka_unit_test(invalid_expressions_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
