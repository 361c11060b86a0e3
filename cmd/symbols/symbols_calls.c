#include "symbols/symbols_calls.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "symbols/symbols_debug.h"

#define CALLS_MAX 10000u
#define DEPTH_MAX 64
#define NAME_MAX_BYTES 256

/* ---- arguments ---- */

/* The numbers of the registers with the first arguments: DWARF numbers them for each processor. */
static const struct {
    unsigned machine;
    unsigned char registers[SYMBOL_ARGUMENTS];
} calls_conventions[] = {
    {EM_X86_64, {5, 4, 1}},
    {EM_AARCH64, {0, 1, 2}},
    {EM_RISCV, {10, 11, 12}},
};

/* Returns the index of the argument that the parameter describes, or SYMBOL_ARGUMENTS. */
static size_t calls_argument_index(Dwarf_Die *parameter, unsigned machine) {
    Dwarf_Attribute attribute;
    Dwarf_Op *ops;
    size_t count;
    if (dwarf_getlocation(dwarf_attr(parameter, DW_AT_location, &attribute), &ops, &count) != 0 ||
        count != 1)
        return SYMBOL_ARGUMENTS;
    for (size_t i = 0; i < sizeof calls_conventions / sizeof *calls_conventions; i++)
        for (size_t j = 0; j < SYMBOL_ARGUMENTS; j++)
            if (calls_conventions[i].machine == machine &&
                ops[0].atom == DW_OP_reg0 + calls_conventions[i].registers[j])
                return j;
    return SYMBOL_ARGUMENTS;
}

static bool calls_is_constant(const Dwarf_Op *op) {
    return (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31) ||
           (op->atom >= DW_OP_const1u && op->atom <= DW_OP_consts);
}

static uint64_t calls_constant(const Dwarf_Op *op) {
    return op->atom >= DW_OP_lit0 ? (uint64_t)(op->atom - DW_OP_lit0) : op->number;
}

/* Returns true if the last operation multiplies. Twice a size is how containers grow, and no number
 * of elements. */
static bool calls_multiplies(const Dwarf_Op *ops, size_t count) {
    if (count < 3) return false;
    const Dwarf_Op *last = &ops[count - 1], *before = last - 1;
    bool shifts_by_one = calls_is_constant(before) && calls_constant(before) == 1;
    return last->atom == DW_OP_mul || (last->atom == DW_OP_shl && !shifts_by_one);
}

static void calls_classify(Dwarf_Attribute *value, struct symbol_argument *argument) {
    Dwarf_Op *ops;
    size_t count;
    bool is_constant = true;
    if (dwarf_getlocation(value, &ops, &count) != 0) return;
    for (size_t i = 0; i + 1 < count; i++) is_constant = is_constant && calls_is_constant(&ops[i]);
    argument->is_product = !is_constant && calls_multiplies(ops, count);
    argument->is_zero = count == 1 && calls_is_constant(ops) && calls_constant(ops) == 0;
}

static void calls_add_argument(Dwarf_Die *parameter, unsigned machine, struct symbol_call *call) {
    Dwarf_Attribute attribute;
    Dwarf_Block block;
    Dwarf_Attribute *value = dwarf_attr(parameter, DW_AT_call_value, &attribute);
    if (value == NULL) value = dwarf_attr(parameter, DW_AT_GNU_call_site_value, &attribute);
    size_t index = calls_argument_index(parameter, machine);
    if (index == SYMBOL_ARGUMENTS || dwarf_formblock(value, &block) != 0 || block.length == 0 ||
        call->arguments[index].expression != NULL)
        return;
    struct symbol_argument *argument = &call->arguments[index];
    argument->expression = xnonnull(malloc(block.length));
    argument->bytes = block.length;
    memcpy(argument->expression, block.data, block.length);
    calls_classify(value, argument);
}

bool symbol_argument_equals(const struct symbol_argument *one,
                            const struct symbol_argument *other) {
    return one->expression != NULL && one->bytes == other->bytes && other->expression != NULL &&
           memcmp(one->expression, other->expression, one->bytes) == 0;
}

/* ---- calls ---- */

struct calls_search {
    uint64_t to_place; /* what is added to an address to get a place in the file */
    unsigned machine;
    struct debug_budget *budget;
    struct symbol_calls *calls;
};

/* Returns the name of the called function, as linkers know it, or NULL. */
static char *calls_callee(Dwarf_Die *die) {
    Dwarf_Attribute attribute;
    Dwarf_Die callee;
    Dwarf_Attribute *origin = dwarf_attr(die, DW_AT_call_origin, &attribute);
    if (origin == NULL) origin = dwarf_attr(die, DW_AT_abstract_origin, &attribute);
    if (dwarf_formref_die(origin, &callee) == NULL) return NULL;
    const char *name =
        dwarf_formstring(dwarf_attr_integrate(&callee, DW_AT_linkage_name, &attribute));
    if (name == NULL) name = dwarf_diename(&callee);
    return name == NULL ? NULL : xstrndup(name, NAME_MAX_BYTES);
}

static void calls_add(struct calls_search *search, Dwarf_Die *die) {
    struct symbol_calls *calls = search->calls;
    Dwarf_Attribute attribute;
    Dwarf_Addr address;
    Dwarf_Attribute *at = dwarf_attr(die, DW_AT_call_return_pc, &attribute);
    if (at == NULL) at = dwarf_attr(die, DW_AT_low_pc, &attribute);
    if (calls->count == CALLS_MAX || dwarf_formaddr(at, &address) != 0) return;
    struct symbol_call call = {.place = address - 1 + search->to_place,
                               .callee = calls_callee(die)};
    Dwarf_Die child;
    if (dwarf_child(die, &child) == 0) {
        do calls_add_argument(&child, search->machine, &call);
        while (!debug_budget_is_spent(search->budget) && dwarf_siblingof(&child, &child) == 0);
    }
    calls->list = xgrow(calls->list, calls->count, sizeof *calls->list);
    calls->list[calls->count++] = call;
}

/* Adds the calls in the scopes of a function, of which some are those of inlined functions. */
/* NOLINTNEXTLINE(misc-no-recursion): depth is limited */
static void calls_collect(struct calls_search *search, Dwarf_Die *around, unsigned depth) {
    Dwarf_Die die;
    if (depth == DEPTH_MAX || dwarf_child(around, &die) != 0) return;
    do {
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site)
            calls_add(search, &die);
        else if (tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine)
            calls_collect(search, &die, depth + 1);
    } while (!debug_budget_is_spent(search->budget) && dwarf_siblingof(&die, &die) == 0);
}

static int calls_compare(const void *left, const void *right) {
    const struct symbol_call *a = left, *b = right;
    return a->place < b->place ? -1 : a->place > b->place;
}

void debug_find_calls(Dwfl_Module *file, uint64_t offset, uint64_t place,
                      struct symbol_calls *calls, struct debug_budget *budget) {
    Dwarf_Die function;
    Dwarf_Addr bias;
    GElf_Addr elf_bias;
    GElf_Ehdr header;
    if (gelf_getehdr(dwfl_module_getelf(file, &elf_bias), &header) == NULL ||
        !debug_find_function(file, offset, &function, &bias, budget))
        return;
    struct calls_search search = {place - (offset - bias), header.e_machine, budget, calls};
    calls_collect(&search, &function, 0);
    if (calls->count > 1) qsort(calls->list, calls->count, sizeof *calls->list, calls_compare);
}

void symbol_calls_clear(struct symbol_calls *calls) {
    for (size_t i = 0; i < calls->count; i++) {
        free(calls->list[i].callee);
        for (size_t j = 0; j < SYMBOL_ARGUMENTS; j++) free(calls->list[i].arguments[j].expression);
    }
    free(calls->list);
    *calls = (struct symbol_calls){.count = 0};
}
