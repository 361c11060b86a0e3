/* The loaded objects, for unwinding. They are found without a lock, and an object that has been
 * replaced by another at the same address is recognised. All functions are thread-safe. */
#ifndef MALLOW_LOADED_H
#define MALLOW_LOADED_H

#include <stdbool.h>
#include <stdint.h>

struct loaded {
    uintptr_t start, end;
    const void *table;   /* .eh_frame_hdr; NULL: none */
    const uint8_t *id;   /* 16 bytes of the build ID, in the first page; NULL: not found */
    uint64_t id_word[2]; /* a copy of these bytes */
    bool stays;          /* is never unloaded */
};

/* Finds the object that contains the address. Returns false if there is none. */
bool loaded_find(uintptr_t pc, struct loaded *object);

/* Returns true if the object is still loaded. */
bool loaded_is(const struct loaded *object);

/* Returns true if the address is in Mallow's shared library. In a static program, it returns false,
 * because Mallow is a part of the program. */
bool loaded_is_own(uintptr_t pc);

#endif
