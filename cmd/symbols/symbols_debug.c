#include "symbols/symbols_debug.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "proc/elf_file.h"

#define DEPTH_MAX 128 /* of nested entries */
#define NAME_MAX_BYTES 4096
#define BUDGET (20 * CLOCKS_PER_SEC)
#define STEPS_PER_CLOCK 16

/* ---- the budget ---- */

static void debug_budget_begin(struct debug_budget *budget) { budget->started = clock(); }

static void debug_budget_update(struct debug_budget *budget) {
    budget->spent += clock() - budget->started;
    budget->started = clock();
}

/* Reads the clock only in some steps. A single step can be long, because libdw skips everything
 * that is nested in an entry. */
bool debug_budget_is_spent(struct debug_budget *budget) {
    if (++budget->steps % STEPS_PER_CLOCK == 0) debug_budget_update(budget);
    return budget->spent > BUDGET;
}

/* ---- names ---- */

static const char *debug_linkage_name(Dwarf_Die *function) {
    static const unsigned names[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name};
    const char *name = NULL;
    for (size_t i = 0; name == NULL && i < sizeof names / sizeof names[0]; i++) {
        Dwarf_Attribute attribute;
        name = dwarf_formstring(dwarf_attr_integrate(function, names[i], &attribute));
    }
    return name;
}

/* Returns the declaration in the source, from which an inlined or specialised function derives. */
static Dwarf_Die debug_declaration(Dwarf_Die die) {
    static const unsigned names[] = {DW_AT_abstract_origin, DW_AT_specification};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        Dwarf_Attribute attribute;
        Dwarf_Die found;
        if (dwarf_formref_die(dwarf_attr(&die, names[i], &attribute), &found) != NULL) die = found;
    }
    return die;
}

/* Stores the child of `around` that is the entry at that offset, or contains it. */
static bool debug_find_child(Dwarf_Die *around, Dwarf_Off offset, Dwarf_Die *child,
                             struct debug_budget *budget) {
    Dwarf_Die next;
    if (dwarf_child(around, &next) != 0 || dwarf_dieoffset(&next) > offset) return false;
    do {
        *child = next;
        if (dwarf_dieoffset(&next) == offset) return true;
    } while (!debug_budget_is_spent(budget) && dwarf_siblingof(child, &next) == 0 &&
             dwarf_dieoffset(&next) <= offset);
    return true;
}

/* Stores the entries that contain the entry, the outermost first. dwarf_getscopes_die(3) does the
 * same, but by unlimited recursion. */
static size_t debug_find_ancestors(Dwarf_Die *die, Dwarf_Die ancestors[DEPTH_MAX],
                                   struct debug_budget *budget) {
    Dwarf_Off offset = dwarf_dieoffset(die);
    Dwarf_Die at;
    size_t count = 0;
    if (dwarf_diecu(die, &at, NULL, NULL) == NULL) return 0;
    while (dwarf_dieoffset(&at) != offset) {
        if (count == DEPTH_MAX) return 0;
        ancestors[count++] = at;
        if (!debug_find_child(&ancestors[count - 1], offset, &at, budget)) return 0;
    }
    return count;
}

static bool debug_has_members(Dwarf_Die *die) {
    int tag = dwarf_tag(die);
    return tag == DW_TAG_namespace || tag == DW_TAG_structure_type || tag == DW_TAG_class_type;
}

/* Returns the name of a function without a linkage name, qualified by the names of its namespaces
 * and classes. */
static char *debug_qualified_name(Dwarf_Die *function, struct debug_budget *budget) {
    Dwarf_Die declaration = debug_declaration(*function), ancestors[DEPTH_MAX];
    const char *name = dwarf_diename(function);
    if (name == NULL) return NULL;
    char *full = xstrndup(name, NAME_MAX_BYTES);
    for (size_t i = debug_find_ancestors(&declaration, ancestors, budget); i-- > 0;) {
        const char *outer = debug_has_members(&ancestors[i]) ? dwarf_diename(&ancestors[i]) : NULL;
        char *inner = full;
        if (outer == NULL || strlen(inner) >= NAME_MAX_BYTES) continue;
        full = xasprintf("%.*s::%s", NAME_MAX_BYTES, outer, inner);
        free(inner);
    }
    return full;
}

static char *debug_function_name(Dwarf_Die *function, struct debug_budget *budget) {
    const char *name = debug_linkage_name(function);
    return name == NULL ? debug_qualified_name(function, budget) : symbols_demangle(name);
}

/* ---- lines ---- */

static char *debug_copy_file_name(const char *name) {
    return name == NULL ? NULL : symbols_copy_name(name);
}

static void debug_set_line(struct symbol *symbol, Dwarf_Die *unit, uint64_t address) {
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    if (line == NULL) return;
    symbol->file = debug_copy_file_name(dwarf_linesrc(line, NULL, NULL));
    if (dwarf_lineno(line, &symbol->line) != 0) symbol->line = 0;
}

static int debug_attribute_number(Dwarf_Die *die, unsigned name) {
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    Dwarf_Attribute *found = dwarf_attr(die, name, &attribute);
    return dwarf_formudata(found, &value) == 0 ? (int)value : 0;
}

/* Stores the source line that calls the inlined function. */
static void debug_set_call(struct symbol *symbol, Dwarf_Die *unit, Dwarf_Die *inlined) {
    Dwarf_Files *files;
    size_t count;
    size_t index = (size_t)debug_attribute_number(inlined, DW_AT_call_file);
    if (dwarf_getsrcfiles(unit, &files, &count) == 0 && index < count)
        symbol->file = debug_copy_file_name(dwarf_filesrc(files, index, NULL, NULL));
    symbol->line = debug_attribute_number(inlined, DW_AT_call_line);
}

/* ---- functions ---- */

/* The scopes that contain an address, the outermost first. */
struct debug_scopes {
    Dwarf_Die scope[DEPTH_MAX];
    size_t count;
};

enum debug_search { NOT_FOUND, FOUND, GIVEN_UP };

/* An entry without addresses of its own can contain functions, as Rust's namespaces do. */
static bool debug_may_have_functions(Dwarf_Die *die) {
    switch (dwarf_tag(die)) {
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
    case DW_TAG_lexical_block:
        return true;
    default:
        return false;
    }
}

/* dwarf_getscopes(3) does not search namespaces. If the nesting is too deep, the whole search ends
 * at once: otherwise each level that it returns through would have to skip its entry, which takes
 * as long as reading everything inside. */
/* NOLINTNEXTLINE(misc-no-recursion): depth is limited */
static enum debug_search debug_find_scopes(Dwarf_Die *around, Dwarf_Addr address, unsigned depth,
                                           struct debug_scopes *scopes,
                                           struct debug_budget *budget) {
    Dwarf_Die die;
    if (depth == DEPTH_MAX) return GIVEN_UP;
    if (dwarf_child(around, &die) != 0) return NOT_FOUND;
    do {
        if (debug_budget_is_spent(budget)) return GIVEN_UP;
        bool contains = dwarf_haspc(&die, address) == 1;
        enum debug_search inside = NOT_FOUND;
        if (contains) scopes->scope[scopes->count++] = die;
        if (contains || debug_may_have_functions(&die))
            inside = debug_find_scopes(&die, address, depth + 1, scopes, budget);
        if (contains || inside != NOT_FOUND) return inside == NOT_FOUND ? FOUND : inside;
    } while (dwarf_siblingof(&die, &die) == 0);
    return NOT_FOUND;
}

/* Adds the functions from the innermost scope outwards. The entry of an inlined function has the
 * line of its caller, which is the next one in the list. */
static void debug_add_functions(struct symbol_list *list, Dwarf_Die *unit,
                                struct debug_scopes *scopes, struct debug_budget *budget) {
    struct symbol *symbol = list->symbol;
    for (size_t i = scopes->count; i-- > 0;) {
        Dwarf_Die *scope = &scopes->scope[i];
        bool inlined = dwarf_tag(scope) == DW_TAG_inlined_subroutine;
        if (!inlined && dwarf_tag(scope) != DW_TAG_subprogram) continue;
        symbol->function = debug_function_name(scope, budget);
        if (!inlined || symbol + 1 == list->symbol + SYMBOLS_MAX) break;
        symbol->inlined = true;
        debug_set_call(++symbol, unit, scope);
    }
    list->count = (size_t)(symbol - list->symbol) + 1;
}

/* ---- units ---- */

/* Finds the unit by the index of addresses (.debug_aranges), or by a search, because not all
 * compilers write the index. */
static Dwarf_Die *debug_find_unit(Dwfl_Module *file, uint64_t offset, Dwarf_Addr *bias,
                                  struct debug_budget *budget) {
    Dwarf_Die *unit = dwfl_module_addrdie(file, offset, bias);
    if (unit != NULL) return unit;
    while (!debug_budget_is_spent(budget) && (unit = dwfl_module_nextcu(file, unit, bias)) != NULL)
        if (dwarf_haspc(unit, offset - *bias) == 1) return unit;
    return NULL;
}

/* NOLINTNEXTLINE(misc-no-recursion): once more, without an older name */
static const char *debug_attribute_text(Dwarf_Die *die, unsigned name, unsigned older_name) {
    Dwarf_Attribute attribute;
    const char *text = dwarf_formstring(dwarf_attr(die, name, &attribute));
    return text == NULL && older_name != 0 ? debug_attribute_text(die, older_name, 0) : text;
}

/* Returns true if opening the file with the rest of the unit cannot block, wherever libdw looks for
 * it. */
static bool debug_split_file_cannot_block(Dwfl_Module *file, Dwarf_Die *unit) {
    const char *name = debug_attribute_text(unit, DW_AT_dwo_name, DW_AT_GNU_dwo_name);
    const char *folder = debug_attribute_text(unit, DW_AT_comp_dir, 0), *paths[2] = {NULL, NULL};
    bool cannot_block = name == NULL || folder == NULL || elf_file_cannot_block(folder, name);
    dwfl_module_info(file, NULL, NULL, NULL, NULL, NULL, &paths[0], &paths[1]);
    for (size_t i = 0; i < 2 && name != NULL; i++) {
        char *path = paths[i] == NULL ? NULL : xstrdup(paths[i]);
        if (path == NULL) continue;
        cannot_block = cannot_block && elf_file_cannot_block(dirname(path), name);
        if (folder != NULL) {
            char *both = xasprintf("%s/%s", path, folder);
            cannot_block = cannot_block && elf_file_cannot_block(both, name);
            free(both);
        }
        free(path);
    }
    return cannot_block;
}

/* Returns the unit with the functions: with -gsplit-dwarf, the program has only the lines, and
 * another file has the rest. */
static Dwarf_Die *debug_full_unit(Dwfl_Module *file, Dwarf_Die *unit, Dwarf_Die *split) {
    uint8_t type;
    if (dwarf_cu_info(unit->cu, NULL, &type, NULL, NULL, NULL, NULL, NULL) != 0) return unit;
    if (type != DW_UT_skeleton || !debug_split_file_cannot_block(file, unit)) return unit;
    bool found = dwarf_cu_info(unit->cu, NULL, NULL, NULL, split, NULL, NULL, NULL) == 0 &&
                 dwarf_tag(split) != DW_TAG_invalid;
    return found ? split : unit;
}

static void debug_search(Dwfl_Module *file, uint64_t offset, struct symbol_list *list,
                         struct debug_budget *budget) {
    Dwarf_Addr bias;
    Dwarf_Die split, *unit = debug_find_unit(file, offset, &bias, budget);
    struct debug_scopes scopes;
    scopes.count = 0;
    if (unit == NULL) return;
    debug_set_line(list->symbol, unit, offset - bias);
    unit = debug_full_unit(file, unit, &split);
    debug_find_scopes(unit, offset - bias, 0, &scopes, budget);
    debug_add_functions(list, unit, &scopes, budget);
}

static bool debug_search_function(Dwfl_Module *file, uint64_t offset, Dwarf_Die *function,
                                  Dwarf_Addr *bias, struct debug_budget *budget) {
    Dwarf_Die split, *unit = debug_find_unit(file, offset, bias, budget);
    struct debug_scopes scopes;
    scopes.count = 0;
    if (unit == NULL) return false;
    debug_find_scopes(debug_full_unit(file, unit, &split), offset - *bias, 0, &scopes, budget);
    for (size_t i = scopes.count; i-- > 0;) {
        *function = scopes.scope[i];
        if (dwarf_tag(function) == DW_TAG_subprogram) return true;
    }
    return false;
}

bool debug_find_function(Dwfl_Module *file, uint64_t offset, Dwarf_Die *function, Dwarf_Addr *bias,
                         struct debug_budget *budget) {
    if (budget->spent > BUDGET) return false;
    debug_budget_begin(budget);
    bool found = debug_search_function(file, offset, function, bias, budget);
    debug_budget_update(budget);
    return found;
}

void debug_find(Dwfl_Module *file, uint64_t offset, struct symbol_list *list,
                struct debug_budget *budget) {
    if (budget->spent > BUDGET) return;
    debug_budget_begin(budget);
    debug_search(file, offset, list, budget);
    debug_budget_update(budget);
}
