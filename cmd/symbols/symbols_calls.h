/*
 * The calls that a function makes, according to its debug information. Compilers describe them in
 * optimized code (DW_TAG_call_site): where each call returns to, what is called, and how the
 * arguments are computed from what the function still has.
 */
#ifndef MALLOW_SYMBOLS_CALLS_H
#define MALLOW_SYMBOLS_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/symbols.h"

#define SYMBOL_ARGUMENTS 3

/* The argument of a call. */
struct symbol_argument {
    unsigned char *expression; /* bytes of DWARF; NULL: unknown */
    size_t bytes;
    bool is_zero;    /* the constant 0 */
    bool is_product; /* of something that is not a constant; not twice it, and no sum */
};

struct symbol_call {
    uint64_t place; /* the byte before the return address in the file */
    char *callee;   /* NULL: unknown */
    struct symbol_argument arguments[SYMBOL_ARGUMENTS];
};

/* The calls in the order of their addresses. */
struct symbol_calls {
    struct symbol_call *list;
    size_t count;
};

/* Stores the calls of the function at a place in the file; none if they are not known. */
void symbols_find_calls(struct symbols *symbols, const char *module, uint64_t place,
                        struct symbol_calls *calls);
void symbol_calls_clear(struct symbol_calls *calls);

/* Returns true if both are known and computed in the same way. */
bool symbol_argument_equals(const struct symbol_argument *one, const struct symbol_argument *other);

#endif
