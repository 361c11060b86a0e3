#include "shared/bits.h"

#include "shared/store.h"

uint64_t bits_layout(struct bits *bits, uint64_t maximum) {
    uint64_t words = 0;
    bits->top = 63 - (unsigned)__builtin_clzll(maximum);
    for (unsigned order = 0; order <= bits->top; order++) {
        uint64_t count = maximum >> order;
        unsigned level = 0;
        do {
            count = (count + 63) / 64;
            bits->start[order][level++] = words;
            words += count;
        } while (count > 1);
        bits->levels[order] = (unsigned char)level;
    }
    return words;
}

void bits_put(const struct bits *bits, unsigned order, uint64_t index, bool value, bool thorough) {
    for (unsigned level = 0; level < bits->levels[order]; level++) {
        uint64_t *word = &bits->words[bits->start[order][level] + (index >> 6)];
        uint64_t before = *word, bit = (uint64_t)1 << (index & 63);
        uint64_t after = value ? before | bit : before & ~bit;
        store_word(word, after);
        if (!thorough && (before != 0) == (after != 0)) return;
        value = after != 0;
        index >>= 6;
    }
    uint64_t bit = (uint64_t)1 << order;
    store_word(bits->orders, value ? *bits->orders | bit : *bits->orders & ~bit);
}

uint64_t bits_first(const struct bits *bits, unsigned order) {
    uint64_t index = 0;
    for (unsigned level = bits->levels[order]; level-- > 0;) {
        uint64_t word = bits->words[bits->start[order][level] + index];
        if (word == 0) return NO_UNIT;
        index = index << 6 | (unsigned)__builtin_ctzll(word);
    }
    return index;
}
