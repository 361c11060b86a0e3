#include "report/symbol.h"

#include <errno.h>

#include "base/compiler.h"
#include "base/elf_symbols.h"
#include "os/os_auxv.h"
#include "stack/module.h"

/* A search for the symbol of an address, which is relative to the object's bias. `best` is the best
 * symbol so far. */
struct search {
    const struct elf_symbols *table;
    uintptr_t address;
    const ElfW(Sym) * best;
};

/* If two symbols have the same address, the first one wins, as with dladdr. */
static void symbol_consider(struct search *search, const ElfW(Sym) * symbol) {
    bool defined = symbol->st_shndx != SHN_UNDEF;
    uintptr_t inside = search->address - symbol->st_value;
    if (ELF64_ST_TYPE(symbol->st_info) == STT_TLS || (!defined && symbol->st_value == 0)) return;
    if (inside != 0 && (!defined || inside >= symbol->st_size)) return;
    if (search->best == NULL || search->best->st_value < symbol->st_value) search->best = symbol;
}

/* This table has only symbols that other objects may refer to. A chain ends with an odd hash. */
static void symbol_search_gnu_hash(struct search *search) {
    struct elf_gnu_hash table = elf_gnu_hash_of(search->table);
    for (uint32_t i = 0; i < table.buckets; i++) {
        uint32_t index = table.bucket[i];
        if (index < table.first) continue;
        do symbol_consider(search, search->table->list + index);
        while ((table.chain[index++ - table.first] & 1) == 0);
    }
}

static void symbol_search_hash(struct search *search) {
    uint32_t count = search->table->hash[1];
    for (uint32_t i = 0; i < count; i++) {
        const ElfW(Sym) *symbol = search->table->list + i;
        if (ELF64_ST_BIND(symbol->st_info) != STB_LOCAL) symbol_consider(search, symbol);
    }
}

static void symbol_search_object(const struct link_map *object, uintptr_t address,
                                 struct symbol *symbol) {
    struct elf_symbols of = elf_symbols_of(object);
    struct search search = {&of, address - object->l_addr, NULL};
    if (of.list == NULL || of.names == NULL) return;
    if (of.gnu_hash != NULL)
        symbol_search_gnu_hash(&search);
    else if (of.hash != NULL)
        symbol_search_hash(&search);
    if (search.best == NULL) return;
    symbol->name = of.names + search.best->st_name;
    symbol->inside = search.address - search.best->st_value;
}

/* Returns the address of the object's first byte in memory. */
static uintptr_t symbol_object_start(const struct module *object) {
#ifndef MALLOW_PRELOAD
    /* In a static program, libc gives the first byte of the code instead. */
    const ElfW(Phdr) *segment = (const ElfW(Phdr) *)os_auxv(AT_PHDR);
    bool program = module_name(object)[0] == '\0';
    for (size_t i = 0; program && segment != NULL && i < os_auxv(AT_PHNUM); i++, segment++)
        if (segment->p_type == PT_LOAD)
            return module_base(object) + (segment->p_vaddr & -segment->p_align);
#endif
    return object->start;
}

/* Earlier results, by address. A result is valid while the same object is at the address. */
#define REMEMBERED 256u
static UNTOUCHED struct {
    const void *address;
    struct module object;
    struct symbol symbol;
} symbol_remembered[REMEMBERED];

static RARE struct symbol symbol_find_function(const struct module *object, uintptr_t address) {
    const char *name = module_name(object);
    struct symbol symbol = {name[0] == '\0' ? program_invocation_name : name,
                            address - symbol_object_start(object), NULL, 0};
    if (object->listing != NULL) symbol_search_object(object->listing, address, &symbol);
    return symbol;
}

RARE bool symbol_find(const void *address, struct symbol *symbol) {
    struct module object;
    if (!module_of((uintptr_t)address, &object)) return false;
    size_t slot = ((uintptr_t)address * 0x9e3779b97f4a7c15u) >> 56;
    if (symbol_remembered[slot].address != address ||
        !module_is_same(&symbol_remembered[slot].object, &object)) {
        symbol_remembered[slot].address = address;
        symbol_remembered[slot].object = object;
        symbol_remembered[slot].symbol = symbol_find_function(&object, (uintptr_t)address);
    }
    *symbol = symbol_remembered[slot].symbol;
    return true;
}
