/* The object that an address belongs to: the program or a shared library. */
#ifndef MALLOW_MODULE_H
#define MALLOW_MODULE_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module {
    uintptr_t start, end;           /* in memory */
    const void *unwind_table;       /* .eh_frame_hdr; NULL: none */
    const struct link_map *listing; /* the loader's, which goes with the object; NULL: none */
};

/* Whether libc can tell, as the GNU one can from 2.35 on. */
bool module_can_be_told(void);

/* Without a lock and without allocation; false when the address is in none, or libc cannot tell. */
bool module_of(uintptr_t address, struct module *module);

static inline bool module_is_same(const struct module *a, const struct module *b) {
    return a->start == b->start && a->end == b->end && a->unwind_table == b->unwind_table &&
           a->listing == b->listing;
}

/* Its path, as long as the object is there; "" is the program itself. */
static inline const char *module_name(const struct module *module) {
    return module->listing == NULL ? "" : module->listing->l_name;
}

/* What its addresses are moved by: an address less this is the one in the file. */
static inline uintptr_t module_base(const struct module *module) {
    return module->listing == NULL ? 0 : module->listing->l_addr;
}

#endif
