/* The loaded objects, for unwinding: found without a lock, and told apart when one took another's
 * place. */
#ifndef MALLOW_LOADED_H
#define MALLOW_LOADED_H

#include <stdbool.h>
#include <stdint.h>

struct loaded {
    uintptr_t start, end;
    const void *table; /* .eh_frame_hdr; NULL: none */
    const uint8_t *id; /* 16 bytes of the build ID, in the first page; NULL: not found */
    uint64_t id_word[2];
    bool stays; /* is never unloaded */
};

/* The object at that address. */
bool loaded_find(uintptr_t pc, struct loaded *object);

/* Whether it is still there. */
bool loaded_is(const struct loaded *object);

/* Whether our own shared library is there. As an archive we are a part of the program. */
bool loaded_is_own(uintptr_t pc);

#endif
