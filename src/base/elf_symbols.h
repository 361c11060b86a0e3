/* The dynamic symbols of a loaded object, as its dynamic section describes them. */
#ifndef MALLOW_ELF_SYMBOLS_H
#define MALLOW_ELF_SYMBOLS_H

#include <link.h>
#include <stddef.h>
#include <stdint.h>

struct elf_symbols {
    const ElfW(Sym) * list;
    const char *names;
    const uint16_t *versions; /* NULL if the symbols have no versions */
    const uint32_t *gnu_hash; /* DT_GNU_HASH, NULL if the object has none */
    const uint32_t *hash;     /* DT_HASH, NULL if the object has none */
};

/* Returns the symbol tables of an object that the loader has listed. */
static inline struct elf_symbols elf_symbols_of(const struct link_map *object) {
    struct elf_symbols of = {NULL, NULL, NULL, NULL, NULL};
    for (const ElfW(Dyn) *entry = object->l_ld; entry != NULL && entry->d_tag != DT_NULL; entry++) {
        /* The loader has replaced offsets by addresses, except in read-only dynamic sections. */
        uintptr_t value = entry->d_un.d_ptr;
        const void *at = (const void *)(value < object->l_addr ? value + object->l_addr : value);
        if (entry->d_tag == DT_SYMTAB) of.list = at;
        if (entry->d_tag == DT_STRTAB) of.names = at;
        if (entry->d_tag == DT_VERSYM) of.versions = at;
        if (entry->d_tag == DT_GNU_HASH) of.gnu_hash = at;
        if (entry->d_tag == DT_HASH) of.hash = at;
    }
    return of;
}

/*
 * The table DT_GNU_HASH. A bucket holds the index of the first symbol of its chain, or 0, and a
 * chain is a run of symbols with successive indices. chain[index - first] is the hash of the
 * symbol's name, except for the lowest bit, which marks the last symbol of a chain.
 */
struct elf_gnu_hash {
    uint32_t buckets, first; /* the number of buckets, the lowest index in a chain */
    const uint32_t *bucket, *chain;
};

/* Returns the parts of DT_GNU_HASH, which the object must have. */
static inline struct elf_gnu_hash elf_gnu_hash_of(const struct elf_symbols *symbols) {
    const uint32_t *head = symbols->gnu_hash;
    uint32_t buckets = head[0], first = head[1], bloom_words = head[2];
    const uint32_t *bucket = head + 4 + bloom_words * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    return (struct elf_gnu_hash){buckets, first, bucket, bucket + buckets};
}

/* Returns the hash of a name for DT_GNU_HASH. */
static inline uint32_t elf_gnu_hash_name(const char *name) {
    uint32_t hash = 5381;
    for (; *name != '\0'; name++) hash = hash * 33 + (unsigned char)*name;
    return hash;
}

#endif
