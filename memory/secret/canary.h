/* Canaries: bytes before and after secrets that reveal overflows. They depend on the address, so a
 * copy of a neighbour's canary counts as damage. */
#ifndef MALLOW_CANARY_H
#define MALLOW_CANARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CANARY_BYTES ((size_t)16)

/* Chooses the canaries of this process. Returns false and sets errno if no random bytes are
 * available. */
bool canary_choose(void);

/* Fill and check the bytes from `low` up to `high`. The canary is that of the address `high`. */
void canary_fill(uintptr_t low, uintptr_t high);
bool canary_is_intact(uintptr_t low, uintptr_t high);

#endif
