/*
 * Fills blocks with a pattern that shows later if anything else was written there. The pattern
 * follows from a key, and the key from the block's address and size. So the content of one block is
 * never mistaken for that of another, and a copy of a block still matches the old key.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t pattern_key(const void *block, size_t size, uint64_t seed) {
    return ((uint64_t)(uintptr_t)block ^ (uint64_t)size << 48) + seed * 0x9e3779b97f4a7c15;
}

static inline uint64_t pattern_word(uint64_t key, size_t offset) {
    return (key + offset) * 0xd1342543de82ef95;
}

static inline void pattern_fill(void *block, size_t size, uint64_t key) {
    char *bytes = (char *)block;
    for (size_t offset = 0; offset < size; offset += sizeof(uint64_t)) {
        uint64_t word = pattern_word(key, offset);
        size_t rest = size - offset;
        memcpy(bytes + offset, &word, rest < sizeof(word) ? rest : sizeof(word));
    }
}

/* `size` may be less than what was filled: a realloc to a smaller size keeps the beginning. */
static inline bool pattern_holds(const void *block, size_t size, uint64_t key) {
    const char *bytes = (const char *)block;
    for (size_t offset = 0; offset < size; offset += sizeof(uint64_t)) {
        uint64_t word = pattern_word(key, offset);
        size_t rest = size - offset;
        if (memcmp(bytes + offset, &word, rest < sizeof(word) ? rest : sizeof(word)) != 0)
            return false;
    }
    return true;
}

#endif
