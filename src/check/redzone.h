/*
 * Redzones: bytes beside a block that nobody may write, filled with a word that is keyed by a
 * secret and by where the redzone begins. So a word that was copied from another block's redzone
 * does not fit, and whoever knows one cannot compute the next.
 */
#ifndef MALLOW_REDZONE_H
#define MALLOW_REDZONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Before the first use; check=hard keys its words with it too. */
void redzone_choose_secret(void);

/* Two secrets: one alone could be computed back from a word. */
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

/* The first byte that was written, or NULL. */
const char *redzone_find_damage(const char *start, size_t bytes);

/* Of memory that is free: the first byte that is not `value`, or NULL. */
const char *redzone_find_fill_damage(const char *start, size_t bytes, uint8_t value);

#endif
