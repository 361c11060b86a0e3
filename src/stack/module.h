/* The object that an address belongs to: the program or a shared library. */
#ifndef MALLOW_MODULE_H
#define MALLOW_MODULE_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module {
    uintptr_t start, end;     /* in memory */
    const void *unwind_table; /* .eh_frame_hdr; NULL: none */
    const struct link_map
        *listing; /* the loader's entry, valid while the object is loaded; NULL: none */
};

/* Returns true if libc can find modules without a lock, as the GNU C library can since 2.35. */
bool module_can_be_told(void);

/* Finds the module of an address without locking or allocating. Returns false if the address is in
 * no module, or if libc cannot find modules. Thread-safe. */
bool module_of(uintptr_t address, struct module *module);

static inline bool module_is_same(const struct module *a, const struct module *b) {
    return a->start == b->start && a->end == b->end && a->unwind_table == b->unwind_table &&
           a->listing == b->listing;
}

/* Returns the path of the module, which is valid while it is loaded; "" means the program itself.
 */
static inline const char *module_name(const struct module *module) {
    return module->listing == NULL ? "" : module->listing->l_name;
}

/* Returns the load address: an address minus this is the address in the file. */
static inline uintptr_t module_base(const struct module *module) {
    return module->listing == NULL ? 0 : module->listing->l_addr;
}

#endif
