/*
 * Finds the function that an address is in, like dladdr(3), by the dynamic symbols of its object.
 * Unlike dladdr it takes no lock of the loader, so it may be called during any allocation, even one
 * of the loader's own.
 */
#ifndef MALLOW_SYMBOL_H
#define MALLOW_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>

struct symbol {
    const char *object; /* the name that the program was called by, or a shared object's path */
    size_t offset;      /* of the address, from the object's first byte in memory */
    const char *name;   /* NULL: there is no symbol */
    size_t inside;      /* offset of the address from the symbol's address */
};

/* Returns false if the address is in no object, or if libc has no function that finds the object
 * (glibc before 2.35, musl). The strings belong to the object. Only one thread at a time may call
 * it, because it remembers what it found. */
bool symbol_find(const void *address, struct symbol *symbol);

#endif
