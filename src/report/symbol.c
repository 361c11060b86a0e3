#include "report/symbol.h"

#include <errno.h>

#include "base/compiler.h"
#include "os/os_auxv.h"
#include "stack/module.h"

/* The dynamic symbols of an object. */
struct symbol_table {
    const ElfW(Sym) * symbols;
    const char *names;
    const uint32_t *gnu_hash, *hash; /* either may be NULL */
};

/* The best one so far for an address, which counts from the object's bias. */
struct search {
    const struct symbol_table *table;
    uintptr_t address;
    const ElfW(Sym) * best;
};

static struct symbol_table symbol_table_of(const struct link_map *object) {
    struct symbol_table of = {NULL, NULL, NULL, NULL};
    for (const ElfW(Dyn) *entry = object->l_ld; entry != NULL && entry->d_tag != DT_NULL; entry++) {
        /* The loader has made addresses of them, but where it may not write. */
        uintptr_t value = entry->d_un.d_ptr;
        const void *at = (const void *)(value < object->l_addr ? value + object->l_addr : value);
        if (entry->d_tag == DT_SYMTAB) of.symbols = at;
        if (entry->d_tag == DT_STRTAB) of.names = at;
        if (entry->d_tag == DT_GNU_HASH) of.gnu_hash = at;
        if (entry->d_tag == DT_HASH) of.hash = at;
    }
    return of;
}

/* Of two at the same address the first one stays, as with dladdr. */
static void consider(struct search *search, const ElfW(Sym) * symbol) {
    bool defined = symbol->st_shndx != SHN_UNDEF;
    uintptr_t inside = search->address - symbol->st_value;
    if (ELF64_ST_TYPE(symbol->st_info) == STT_TLS || (!defined && symbol->st_value == 0)) return;
    if (inside != 0 && (!defined || inside >= symbol->st_size)) return;
    if (search->best == NULL || search->best->st_value < symbol->st_value) search->best = symbol;
}

/* This table has only what others may refer to; a chain ends with an odd hash. */
static void search_gnu_hash(struct search *search) {
    const uint32_t *head = search->table->gnu_hash;
    uint32_t buckets = head[0], first = head[1], bloom_words = head[2];
    const uint32_t *bucket = head + 4 + bloom_words * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    const uint32_t *chain = bucket + buckets;
    for (uint32_t i = 0; i < buckets; i++) {
        uint32_t index = bucket[i];
        if (index < first) continue;
        do consider(search, search->table->symbols + index);
        while ((chain[index++ - first] & 1) == 0);
    }
}

static void search_hash(struct search *search) {
    uint32_t count = search->table->hash[1];
    for (uint32_t i = 0; i < count; i++) {
        const ElfW(Sym) *symbol = search->table->symbols + i;
        if (ELF64_ST_BIND(symbol->st_info) != STB_LOCAL) consider(search, symbol);
    }
}

static void search_object(const struct link_map *object, uintptr_t address, struct symbol *symbol) {
    struct symbol_table of = symbol_table_of(object);
    struct search search = {&of, address - object->l_addr, NULL};
    if (of.symbols == NULL || of.names == NULL) return;
    if (of.gnu_hash != NULL)
        search_gnu_hash(&search);
    else if (of.hash != NULL)
        search_hash(&search);
    if (search.best == NULL) return;
    symbol->name = of.names + search.best->st_name;
    symbol->inside = search.address - search.best->st_value;
}

/* The object's first byte in memory. */
static uintptr_t start_of(const struct module *object) {
#ifndef MALLOW_PRELOAD
    /* In a static program libc takes the first byte of its code for it. */
    const ElfW(Phdr) *segment = (const ElfW(Phdr) *)os_auxv(AT_PHDR);
    bool program = module_name(object)[0] == '\0';
    for (size_t i = 0; program && segment != NULL && i < os_auxv(AT_PHNUM); i++, segment++)
        if (segment->p_type == PT_LOAD)
            return module_base(object) + (segment->p_vaddr & -segment->p_align);
#endif
    return object->start;
}

/* What was found, by address; good for as long as the same object is there. */
#define REMEMBERED 256u
static UNTOUCHED struct {
    const void *address;
    struct module object;
    struct symbol symbol;
} remembered[REMEMBERED];

static RARE struct symbol find_function(const struct module *object, uintptr_t address) {
    const char *name = module_name(object);
    struct symbol symbol = {name[0] == '\0' ? program_invocation_name : name,
                            address - start_of(object), NULL, 0};
    if (object->listing != NULL) search_object(object->listing, address, &symbol);
    return symbol;
}

RARE bool symbol_find(const void *address, struct symbol *symbol) {
    struct module object;
    if (!module_of((uintptr_t)address, &object)) return false;
    size_t slot = ((uintptr_t)address * 0x9e3779b97f4a7c15u) >> 56;
    if (remembered[slot].address != address || !module_is_same(&remembered[slot].object, &object)) {
        remembered[slot].address = address;
        remembered[slot].object = object;
        remembered[slot].symbol = find_function(&object, (uintptr_t)address);
    }
    *symbol = remembered[slot].symbol;
    return true;
}
