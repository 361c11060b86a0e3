/*
 * The function that an address is in, as dladdr(3) finds it: by the dynamic symbols of its object.
 * Other than dladdr this takes no lock of the loader's, so it may be asked from any allocation,
 * even the loader's own.
 */
#ifndef MALLOW_SYMBOL_H
#define MALLOW_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>

struct symbol {
    const char *object; /* the program as it was called, or the path of a shared object */
    size_t offset;      /* from the object's first byte in memory */
    const char *name;   /* NULL: no symbol is there */
    size_t inside;      /* from the symbol's address */
};

/* False where no object is, or libc cannot tell (before 2.35, and musl). The strings are the
 * object's own. Not for two threads at once: it remembers what it found. */
bool symbol_find(const void *address, struct symbol *symbol);

#endif
