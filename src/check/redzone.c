#include "check/redzone.h"

#include <string.h>

#include "os/os.h"

struct redzone_secret redzone_secret;

RARE void redzone_choose_secret(void) {
    redzone_secret.mask = os_random();
    redzone_secret.factor = os_random() | 1;
}

/* The word has no null bytes, so a single null byte past the end of a block is found. */
static uint64_t redzone_word(const char *start) { return redzone_key(start) | 0x0101010101010101; }

/* Two words, which need no alignment. */
typedef uint64_t redzone_lane __attribute__((vector_size(16), aligned(1), may_alias));

/* Returns the repeated word, rotated so that it begins with its byte `first`. */
static redzone_lane redzone_lane_from(uint64_t word, size_t first) {
    unsigned by = (unsigned)(first % 8 * 8);
    uint64_t turned = word >> by | word << (-by & 63);
    return (redzone_lane){turned, turned};
}

/* The length of the redzones of small blocks (full.c). */
#define ZONE_USUAL ((size_t)32)

/* The last lane may overlap the one before it. */
void redzone_fill(char *start, size_t bytes) {
    uint64_t word = redzone_word(start);
    redzone_lane both = {word, word};
    size_t i = 0;
    if (likely(bytes == ZONE_USUAL)) {
        *(redzone_lane *)start = *(redzone_lane *)(start + sizeof both) = both;
        return;
    }
    for (; i + sizeof both <= bytes; i += sizeof both) *(redzone_lane *)(start + i) = both;
    if (i == bytes) return;
    if (likely(bytes >= sizeof both))
        *(redzone_lane *)(start + bytes - sizeof both) = redzone_lane_from(word, bytes);
    else
        for (; i < bytes; i++) start[i] = (char)(word >> i % 8 * 8);
}

/* Returns the first byte that differs from the repeated word, or NULL. */
static RARE const char *redzone_find_difference(const char *start, size_t bytes, uint64_t word) {
    for (size_t i = 0; i < bytes; i++)
        if ((uint8_t)start[i] != (uint8_t)(word >> i % 8 * 8)) return start + i;
    return NULL;
}

static const char *redzone_find_other(const char *start, size_t bytes, uint64_t word) {
    redzone_lane both = {word, word}, all = {0, 0};
    size_t i = 0;
    if (unlikely(bytes < sizeof both)) return redzone_find_difference(start, bytes, word);
    for (; i + 4 * sizeof both <= bytes; i += 4 * sizeof both) {
        const redzone_lane *at = (const redzone_lane *)(start + i);
        all |= (at[0] ^ both) | (at[1] ^ both) | (at[2] ^ both) | (at[3] ^ both);
    }
    for (; i + sizeof both <= bytes; i += sizeof both)
        all |= *(const redzone_lane *)(start + i) ^ both;
    if (i != bytes)
        all |=
            *(const redzone_lane *)(start + bytes - sizeof both) ^ redzone_lane_from(word, bytes);
    if (likely((all[0] | all[1]) == 0)) return NULL;
    return redzone_find_difference(start, bytes, word);
}

const char *redzone_find_damage(const char *start, size_t bytes) {
    if (likely(bytes == ZONE_USUAL)) {
        uint64_t word = redzone_word(start);
        redzone_lane both = {word, word};
        redzone_lane all = (*(const redzone_lane *)start ^ both) |
                           (*(const redzone_lane *)(start + sizeof both) ^ both);
        return likely((all[0] | all[1]) == 0) ? NULL : redzone_find_difference(start, bytes, word);
    }
    return redzone_find_other(start, bytes, redzone_word(start));
}

const char *redzone_find_fill_damage(const char *start, size_t bytes, uint8_t value) {
    return redzone_find_other(start, bytes, value * 0x0101010101010101ull);
}
