#include "secret/canary.h"

#include "base/kernel_secret.h"

static unsigned char canary_key[CANARY_BYTES];

bool canary_choose(void) { return kernel_fill_random(canary_key, sizeof canary_key); }

/* Returns the byte at `address` of the canary that ends at `end`. The product spreads the bits of
 * the end over all bytes. */
static unsigned char canary_byte(uintptr_t address, uintptr_t end) {
    uint64_t mixed = (uint64_t)end * 0x9e3779b97f4a7c15;
    return (unsigned char)(canary_key[address % CANARY_BYTES] ^ (mixed >> (address % 8 * 8)));
}

void canary_fill(uintptr_t low, uintptr_t high) {
    for (uintptr_t at = low; at < high; at++) *(unsigned char *)at = canary_byte(at, high);
}

bool canary_is_intact(uintptr_t low, uintptr_t high) {
    unsigned damage = 0;
    for (uintptr_t at = low; at < high; at++)
        damage |= (unsigned)(*(const unsigned char *)at ^ canary_byte(at, high));
    return damage == 0;
}
