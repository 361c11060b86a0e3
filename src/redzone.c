#include "redzone.h"

#include <string.h>

#include "os.h"

struct redzone_secret redzone_secret;

RARE void redzone_choose_secret(void) {
    redzone_secret.mask = os_random();
    redzone_secret.factor = os_random() | 1;
}

/* Without null bytes, so that one too many is seen. */
static uint64_t word_for(const char *start) { return redzone_key(start) | 0x0101010101010101; }

void redzone_fill(char *start, size_t bytes) {
    uint64_t word = word_for(start);
    for (; bytes >= sizeof word; start += sizeof word, bytes -= sizeof word)
        memcpy(start, &word, sizeof word);
    memcpy(start, &word, bytes);
}

/* Where the first of `bytes` differs from the repeated word. */
static const char *find_difference(const char *start, size_t bytes, uint64_t word) {
    for (size_t i = 0; i < bytes; i++)
        if ((uint8_t)start[i] != (uint8_t)(word >> i % 8 * 8)) return start + i;
    return NULL;
}

static uint64_t load(const char *from) {
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* The repeated word as it is from its byte `first` on, which is not 0. */
static uint64_t turned(uint64_t word, size_t first) {
    return word >> first * 8 | word << (64 - first * 8);
}

static const char *find_other(const char *start, size_t bytes, uint64_t word) {
    uint64_t all = 0;
    size_t i = 0;
    for (; i + 32 <= bytes; i += 32)
        all |= (load(start + i) ^ word) | (load(start + i + 8) ^ word) |
               (load(start + i + 16) ^ word) | (load(start + i + 24) ^ word);
    for (; i + 8 <= bytes; i += 8) all |= load(start + i) ^ word;
    if (i < bytes && bytes >= 8) all |= load(start + bytes - 8) ^ turned(word, bytes % 8);
    if (likely(all == 0 && bytes >= 8)) return NULL;
    return find_difference(start, bytes, word);
}

const char *redzone_find_damage(const char *start, size_t bytes) {
    return find_other(start, bytes, word_for(start));
}

const char *fill_find_damage(const char *start, size_t bytes, uint8_t value) {
    return find_other(start, bytes, value * 0x0101010101010101ull);
}
