/*
 * Finds libc's functions without dlsym(3). dlsym takes the loader's lock and may allocate, and an
 * allocation may call the functions of this library before any constructor has run. This file
 * therefore searches the objects after this library itself, in the loader's order, as
 * dlsym(RTLD_NEXT) does.
 */
#include "libc.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>

#include "../src/base/elf_symbols.h"

extern ElfW(Dyn) libc_own_dynamic[] __asm__("_DYNAMIC") __attribute__((visibility("hidden")));

/* ---- the dynamic symbols of an object ---- */

static bool libc_is_same_name(const char *a, const char *b) {
    for (; *a == *b; a++, b++)
        if (*a == '\0') return true;
    return false;
}

#define HIDDEN_VERSION 0x8000u /* used only by programs that were linked against that version */

/* Returns true if the symbol is a function of that name that the object defines, in its default
 * version. */
static bool libc_is_wanted(const struct elf_symbols *of, uint32_t index, const char *name) {
    const ElfW(Sym) *symbol = &of->list[index];
    unsigned type = ELF64_ST_TYPE(symbol->st_info);
    bool hidden = of->versions != NULL && (of->versions[index] & HIDDEN_VERSION) != 0;
    return symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0 && !hidden &&
           (type == STT_FUNC || type == STT_GNU_IFUNC) &&
           libc_is_same_name(of->names + symbol->st_name, name);
}

static const ElfW(Sym) * libc_find_symbol(const struct elf_symbols *of, const char *name) {
    if (of->gnu_hash == NULL || of->list == NULL || of->names == NULL) return NULL;
    struct elf_gnu_hash table = elf_gnu_hash_of(of);
    uint32_t hash = elf_gnu_hash_name(name);
    uint32_t index = table.buckets == 0 ? 0 : table.bucket[hash % table.buckets];
    for (; index >= table.first && index != 0; index++) {
        if (((table.chain[index - table.first] ^ hash) >> 1) == 0 &&
            libc_is_wanted(of, index, name))
            return &of->list[index];
        if ((table.chain[index - table.first] & 1) != 0) return NULL;
    }
    return NULL;
}

/* ---- the objects after this one ---- */

/* musl's loader does not define it. */
#pragma weak _r_debug

/* Returns this library's object, or NULL if it was loaded into another namespace or the list of
 * objects is not available. */
static const struct link_map *libc_own_object(void) {
    const struct link_map *object = &_r_debug != NULL ? _r_debug.r_map : NULL;
    while (object != NULL && object->l_ld != libc_own_dynamic) object = object->l_next;
    return object;
}

/* Returns the address of a function. Calls the resolver of an indirect function itself only on
 * x86-64, because the calling convention depends on the processor. */
static void *libc_resolve(const struct link_map *object, const ElfW(Sym) * symbol,
                          const char *name) {
    void *address = (void *)(object->l_addr + symbol->st_value);
    if (ELF64_ST_TYPE(symbol->st_info) != STT_GNU_IFUNC) return address;
#ifdef __x86_64__
    (void)name;
    return ((void *(*)(void))address)();
#else
    return dlsym(RTLD_NEXT, name);
#endif
}

static void *libc_find_next(const struct link_map *own, const char *name) {
    for (const struct link_map *object = own->l_next; object != NULL; object = object->l_next) {
        struct elf_symbols of = elf_symbols_of(object);
        const ElfW(Sym) *symbol = libc_find_symbol(&of, name);
        if (symbol != NULL) return libc_resolve(object, symbol, name);
    }
    return NULL;
}

void *libc_find(struct libc_function *function) {
    int before = errno;
    const struct link_map *own = libc_own_object();
    void *address =
        own != NULL ? libc_find_next(own, function->name) : dlsym(RTLD_NEXT, function->name);
    errno = before;
    __atomic_store_n(&function->address, address, __ATOMIC_RELAXED);
    return address;
}

extern struct libc_function __start_libc_functions[] __attribute__((visibility("hidden")));
extern struct libc_function __stop_libc_functions[] __attribute__((visibility("hidden")));

/* Finds all functions before the program has threads, which may change the list of objects by
 * dlopen(3) and dlclose(3). */
__attribute__((constructor(101))) static void libc_find_all(void) {
    struct libc_function *function = __start_libc_functions;
    for (; function < __stop_libc_functions; function++) libc_find(function);
}
