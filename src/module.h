/* The object that code belongs to: the program or a shared library. */
#ifndef MALLOW_MODULE_H
#define MALLOW_MODULE_H

#include "config.h"

struct module {
    const char *name; /* path; "" is the program itself */
    uintptr_t base;   /* what its addresses are moved by: pc - base is the address in the file */
};

/* Without a lock and without allocation; false when pc is in none, or libc cannot tell. The name
 * lasts as long as the object. */
bool module_of(uintptr_t pc, struct module *module);

#endif
