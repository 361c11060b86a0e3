/* Writes and checks the seal that follows a block of check=hard (hard.h). Also clears slots and
 * compares them with zero. */
#ifndef MALLOW_HARD_SEAL_H
#define MALLOW_HARD_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "check/redzone.h"

#define HARD_WORD 8u
#define HARD_TAIL 16u /* bytes at the end of a slot that the program never gets */

/* ---- words ---- */

ALWAYS_INLINE char *hard_word_of(char *slot, size_t bytes) { return slot + bytes - HARD_WORD; }

ALWAYS_INLINE uint64_t hard_load_word(const char *from) {
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

ALWAYS_INLINE void hard_store_word(char *to, uint64_t word) { memcpy(to, &word, sizeof word); }

/* The value of the bytes between the block and the word. It is not zero, so that a null byte
 * written past the end of the block is found. */
#define HARD_GAP 0xb7u
#define HARD_GAP_WORD (HARD_GAP * 0x0101010101010101ull)

/* Returns a word whose last `bytes` bytes, 1 to 7, belong to the gap; the others are zero. */
ALWAYS_INLINE uint64_t hard_gap_end(size_t bytes) { return HARD_GAP_WORD << (64 - 8 * bytes); }

/* Returns the word at the end of a slot: 16 bits hold how many bytes the block leaves unused, and
 * the other 48 are keyed by that number and by the slot's address. */
ALWAYS_INLINE uint64_t hard_word(const char *slot, uint64_t unused) {
    uint64_t key = redzone_key((const void *)((uintptr_t)slot ^ unused << 48));
    return (key & ~(uint64_t)UINT16_MAX) | unused;
}
_Static_assert(SLOT_MAX <= UINT16_MAX, "16 bits hold the number of unused bytes");

typedef uint64_t hard_lane __attribute__((vector_size(16), may_alias));

/* The gap before its last word ends at an aligned address. It is long where a block is aligned. */
#define HARD_GAP_LONG ((uint64_t)64)

/* Writes the last bytes, a multiple of HARD_GAP_LONG, of a gap of `unused` bytes that ends at
 * `end`.
 */
static NOINLINE void hard_gap_write(char *end, uint64_t unused) {
    const hard_lane gap = {HARD_GAP_WORD, HARD_GAP_WORD};
    hard_lane *lane = (hard_lane *)(void *)end;
    for (; unused >= HARD_GAP_LONG; unused -= HARD_GAP_LONG) {
        lane -= 4;
        lane[0] = lane[1] = lane[2] = lane[3] = gap;
    }
}

/* Compares what hard_gap_write wrote. Returns a number other than 0 if a byte was changed. */
static NOINLINE uint64_t hard_gap_compare(const char *end, uint64_t unused) {
    const hard_lane gap = {HARD_GAP_WORD, HARD_GAP_WORD};
    const hard_lane *lane = (const hard_lane *)(const void *)end;
    hard_lane other = {0, 0};
    for (; unused >= HARD_GAP_LONG; unused -= HARD_GAP_LONG) {
        lane -= 4;
        other |= ((lane[0] ^ gap) | (lane[1] ^ gap)) | ((lane[2] ^ gap) | (lane[3] ^ gap));
    }
    return other[0] | other[1];
}

/* Seals a block of `size` bytes in a slot that is zero. The gap has at least one whole word. */
ALWAYS_INLINE void hard_seal(char *slot, size_t bytes, size_t size) {
    char *at = hard_word_of(slot, bytes);
    uint64_t unused = bytes - HARD_WORD - size;
    hard_store_word(at, hard_word(slot, unused));
    hard_store_word(at -= sizeof(uint64_t), HARD_GAP_WORD);
    unused -= sizeof(uint64_t);
    if (unlikely(unused >= HARD_GAP_LONG)) {
        hard_gap_write(at, unused);
        at -= unused & ~(HARD_GAP_LONG - 1);
        unused %= HARD_GAP_LONG;
    }
    for (; unlikely(unused >= sizeof(uint64_t)); unused -= sizeof(uint64_t))
        hard_store_word(at -= sizeof(uint64_t), HARD_GAP_WORD);
    if (unused != 0) hard_store_word(at - sizeof(uint64_t), hard_gap_end(unused));
}

/* Returns the number of bytes between the block and the word, or UINT64_MAX if the word is
 * wrong. */
ALWAYS_INLINE uint64_t hard_unused_in(const char *slot, size_t bytes) {
    uint64_t word = hard_load_word(slot + bytes - HARD_WORD), unused = word & UINT16_MAX;
    return likely(word == hard_word(slot, unused)) ? unused : UINT64_MAX;
}

/* Returns true if a block in a slot of `bytes` bytes can leave that many unused. */
ALWAYS_INLINE bool hard_is_possible(uint64_t unused, size_t bytes) {
    return unused - (HARD_TAIL - HARD_WORD) <= bytes - HARD_TAIL;
}

/* Returns true if the gap and the word are unchanged. */
ALWAYS_INLINE bool hard_is_whole(const char *slot, size_t bytes) {
    uint64_t unused = hard_unused_in(slot, bytes);
    const char *at = slot + bytes - HARD_TAIL;
    if (unlikely(!hard_is_possible(unused, bytes))) return false;
    uint64_t other = hard_load_word(at) ^ HARD_GAP_WORD;
    unused -= sizeof(uint64_t);
    if (unlikely(unused >= HARD_GAP_LONG)) {
        other |= hard_gap_compare(at, unused);
        at -= unused & ~(HARD_GAP_LONG - 1);
        unused %= HARD_GAP_LONG;
    }
    for (; unlikely(unused >= sizeof(uint64_t)); unused -= sizeof(uint64_t))
        other |= hard_load_word(at -= sizeof(uint64_t)) ^ HARD_GAP_WORD;
    if (unused != 0)
        other |= (hard_load_word(at - sizeof(uint64_t)) ^ HARD_GAP_WORD) >> (64 - 8 * unused);
    return other == 0;
}

/* ---- zero ---- */

/* `bytes` is a multiple of 16, because slots are aligned. */
ALWAYS_INLINE bool hard_is_zero(const char *slot, size_t bytes) {
    const hard_lane *at = (const hard_lane *)slot, *end = (const hard_lane *)(slot + bytes);
    hard_lane all = {0, 0};
    for (; end - at >= 4; at += 4) all |= (at[0] | at[1]) | (at[2] | at[3]);
    for (; at < end; at++) all |= *at;
    return (all[0] | all[1]) == 0;
}

/* The assembly hides the loop from the compiler, which would use "rep stos": that costs more than
 * the rest of a free. */
ALWAYS_INLINE void hard_make_zero(char *slot, size_t bytes) {
    hard_lane *at = (hard_lane *)slot, *end = (hard_lane *)(slot + bytes), zero = {0, 0};
    for (; end - at >= 4; at += 4) {
        at[0] = at[1] = at[2] = at[3] = zero;
        __asm__("" : "+r"(at));
    }
    for (; at < end; at++) {
        *at = zero;
        __asm__("" : "+r"(at));
    }
}

/* Below this size, all bytes of a slot that was never handed out are compared. */
#define HARD_COMPARED_FRESH (4 * KIB)

/* Returns the block's size. A block whose word was overwritten counts as one that fills its slot.
 */
static inline size_t hard_size_of(char *slot, size_t bytes) {
    uint64_t unused = hard_unused_in(slot, bytes);
    return hard_is_possible(unused, bytes) ? bytes - HARD_WORD - unused : bytes - HARD_TAIL;
}

#endif
