/* The words of check=seal (seal.h): the seal at the end of a slot, and the two at its start while
 * it waits. */
#ifndef MALLOW_SEAL_WORD_H
#define MALLOW_SEAL_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"
#include "check/redzone.h"

ALWAYS_INLINE uint64_t seal_load(const char *from) {
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

ALWAYS_INLINE void seal_store(char *to, uint64_t word) { memcpy(to, &word, sizeof word); }

/* The first byte is not zero, so that a null byte written past the end of a block is found. */
ALWAYS_INLINE uint64_t seal_word(const char *at) { return redzone_key(at) | 1; }

ALWAYS_INLINE void seal_put(char *slot, size_t usable) {
    seal_store(slot + usable, seal_word(slot + usable));
}

ALWAYS_INLINE bool seal_is_whole(const char *slot, size_t usable) {
    return seal_load(slot + usable) == seal_word(slot + usable);
}

/* The first two words of a slot are zero while it waits. A slot has at least two words. */
ALWAYS_INLINE void seal_close(char *slot) {
    seal_store(slot, 0);
    seal_store(slot + sizeof(uint64_t), 0);
}

ALWAYS_INLINE bool seal_is_closed(const char *slot) {
    return (seal_load(slot) | seal_load(slot + sizeof(uint64_t))) == 0;
}

#endif
