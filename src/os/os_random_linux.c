/* Random numbers for addresses and secrets. */
#include <stdatomic.h>
#include <string.h>

#include "os/os.h"
#include "os/os_auxv.h"
#include "os/os_call.h"
#include "os/os_process.h"
#include "os/os_thread.h"

/* ---- SipHash-2-4: without the key, its results cannot be distinguished from random numbers ----
 */

static uint64_t os_random_sip_rotate(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

static void os_random_sip_rounds(uint64_t v[4], int rounds) {
    while (rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = os_random_sip_rotate(v[1], 13) ^ v[0];
        v[3] = os_random_sip_rotate(v[3], 16) ^ v[2];
        v[0] = os_random_sip_rotate(v[0], 32) + v[3];
        v[2] += v[1];
        v[1] = os_random_sip_rotate(v[1], 17) ^ v[2];
        v[3] = os_random_sip_rotate(v[3], 21) ^ v[0];
        v[2] = os_random_sip_rotate(v[2], 32);
    }
}

static uint64_t os_random_hash(const uint64_t key[2], const uint64_t *word, size_t count) {
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                     key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
    for (size_t i = 0; i <= count; i++) {
        uint64_t next = i < count ? word[i] : (uint64_t)count << 59;
        v[3] ^= next;
        os_random_sip_rounds(v, 2);
        v[0] ^= next;
    }
    v[2] ^= 0xff;
    os_random_sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- sources ---- */

/* Hashes the 16 random bytes that the kernel gives each program. libc uses them for its stack
 * protector; the hash reveals nothing about them. */
static uint64_t os_random_hash_of_start(uint64_t number) {
    uint64_t key[2] = {0};
    const void *bytes = (const void *)os_auxv(AT_RANDOM);
    if (bytes != NULL) memcpy(key, bytes, sizeof key);
    uint64_t word[] = {number, (uint64_t)os_exact_ns(), (uint64_t)os_process_id(),
                       (uint64_t)os_thread_id()};
    return os_random_hash(key, word, sizeof word / sizeof *word);
}

uint64_t os_random(void) {
    static _Atomic uint64_t count;
    uint64_t number = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed), value;
    /* If address randomisation is off, a program gets the same addresses in each run. */
    if (os_is_placed_alike()) return os_random_hash((const uint64_t[2]){0}, &number, 1);
    if (CALL(SYS_getrandom, &value, sizeof value, 1 /* GRND_NONBLOCK */) == sizeof value)
        return value;
    return os_random_hash_of_start(number);
}
