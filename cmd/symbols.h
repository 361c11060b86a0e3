/*
 * From addresses to functions and lines: by debug information, in the file itself or apart from it
 * (build-id, .gnu_debuglink, /usr/lib/debug), else by the symbol table. Names of C++ and of Rust
 * are demangled.
 *
 * An address is given as a module, which is the path of an executable or a shared object, and an
 * offset: the address minus the load bias (link_map.l_addr), as the file's own headers and symbols
 * count it. For an executable at a fixed address the bias is 0 and the offset the address itself.
 *
 * A return address belongs to the instruction after the call, which may be another line's or even
 * another function's: look up the byte before it.
 */
#ifndef MALLOW_SYMBOLS_H
#define MALLOW_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process_map.h"

struct symbols;

struct symbol {
    char *function; /* demangled; NULL: not known */
    char *file;     /* as the compiler was told; NULL: not known */
    int line;       /* 0: not known */
    bool inlined;   /* into the next one */
};

/* Of one address: the innermost inlined function first, the function of the symbol table last. */
#define SYMBOLS_MAX 64
struct symbol_list {
    struct symbol symbol[SYMBOLS_MAX];
    size_t count; /* 0: nothing is known */
};

/* Modules are opened when they are first asked for, and stay open. */
struct symbols *symbols_open(void);
void symbols_close(struct symbols *symbols);

/* Names in the list have no control characters. A file that takes too much time, or whose debug
 * information is nested too deep, has the names of its symbol table alone. */
void symbols_find(struct symbols *symbols, const char *module, uint64_t offset,
                  struct symbol_list *list);
void symbol_list_clear(struct symbol_list *list);

/* The name of a symbol as its language writes it, allocated. */
char *symbols_demangle(const char *name);

/* An allocated copy without control characters, cut where it is longer than a path can be. */
char *symbols_copy_name(const char *name);

/* The address that the first segment of the module begins at, by its own headers: what must be
 * added to a distance from the module's first byte in memory. 0 when it cannot be read. */
uint64_t symbols_first_address(struct symbols *symbols, const char *module);

/* The module at an address of a running process, as a path seen from here, and the offset; NULL
 * when no file is mapped there. The path lives as long as the map. */
const char *symbols_module_at(struct symbols *symbols, const struct process_map *map,
                              uint64_t address, uint64_t *offset);

#endif
