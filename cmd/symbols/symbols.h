/*
 * Finds the functions and lines of addresses: by debug information, in the file itself or in a
 * separate one (build-id, .gnu_debuglink, /usr/lib/debug), or else by the symbol table. Demangles
 * names of C++ and Rust.
 *
 * An address consists of a module, which is the path of an executable or a shared object, and an
 * offset: the address minus the load bias (link_map.l_addr). The file's own headers and symbols use
 * such offsets. For an executable at a fixed address, the bias is 0 and the offset is the address.
 *
 * A return address belongs to the instruction after the call, which may be part of another line or
 * even of another function. Callers must therefore look up the byte before it.
 */
#ifndef MALLOW_SYMBOLS_H
#define MALLOW_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/process_map.h"

struct symbols;

struct symbol {
    char *function; /* demangled; NULL if unknown */
    char *file;     /* as passed to the compiler; NULL if unknown */
    int line;       /* 0 if unknown */
    bool inlined;   /* into the next one in the list */
};

/* The functions of one address: the innermost inlined function first, and last the function that
 * contains them all. */
#define SYMBOLS_MAX 64
struct symbol_list {
    struct symbol symbol[SYMBOLS_MAX];
    size_t count; /* 0 if nothing is known */
};

/* Modules are opened when first used, and stay open. */
struct symbols *symbols_open(void);
void symbols_close(struct symbols *symbols);

/* Stores the functions of the offset. The names contain no control characters. If the debug
 * information takes too much time or is nested too deeply, only the symbol table is used. */
void symbols_find(struct symbols *symbols, const char *module, uint64_t offset,
                  struct symbol_list *list);
void symbol_list_clear(struct symbol_list *list);

/* Does the same for a place in the file, whose segments say which offset it is loaded at. */
void symbols_find_in_file(struct symbols *symbols, const char *module, uint64_t place,
                          struct symbol_list *list);

/* Returns true if the module has that build ID. */
bool symbols_has_id(struct symbols *symbols, const char *module, const unsigned char *id,
                    size_t id_bytes);

/* Returns the name of a symbol in the notation of its language; the caller frees it. */
char *symbols_demangle(const char *name);

/* Returns a copy of a file name, without control characters and truncated to the length of the
 * longest path. The caller frees it. */
char *symbols_copy_name(const char *name);

/* Returns the address of the module's first segment according to its headers, or 0 if they cannot
 * be read. Added to a distance from the module's first byte in memory, it gives the offset. */
uint64_t symbols_first_address(struct symbols *symbols, const char *module);

/* Returns the module at an address of a running process, as a path that this process can open, and
 * stores the offset. Returns NULL if no file is mapped there. The path is valid as long as the map.
 */
const char *symbols_module_at(struct symbols *symbols, const struct process_map *map,
                              uint64_t address, uint64_t *offset);

#endif
