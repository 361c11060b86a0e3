/*
 * Redzones: bytes next to a block that the program must not write. They are filled with a word that
 * depends on a secret and on the redzone's address. A word that was copied from another redzone
 * therefore does not match, and knowing one word does not help to compute another.
 */
#ifndef MALLOW_REDZONE_H
#define MALLOW_REDZONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Must be called before the first use. The words of check=hard depend on the same secret. */
void redzone_choose_secret(void);

/* Two numbers, because a single one could be computed from a word. */
struct redzone_secret {
    uint64_t mask;
    uint64_t factor;
};
extern struct redzone_secret redzone_secret;

ALWAYS_INLINE uint64_t redzone_key(const void *at) {
    uint64_t x = ((uintptr_t)at ^ redzone_secret.mask) * redzone_secret.factor;
    return x ^ x >> 32;
}

void redzone_fill(char *start, size_t bytes);

/* Returns the first byte of a redzone that was written to, or NULL. */
const char *redzone_find_damage(const char *start, size_t bytes);

/* Returns the first byte that is not `value`, or NULL. */
const char *redzone_find_fill_damage(const char *start, size_t bytes, uint8_t value);

#endif
