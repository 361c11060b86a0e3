#include "meta.h"

#include "space.h"

/* Freed pieces wait in a list for each size, in cache lines: magazines, states and heaps. Larger
 * ones belong to tables that double, so what is lost of them is less than what they are. */
#define PIECE_SIZES 72u

struct piece {
    struct piece *next;
};

static struct piece *free_pieces[PIECE_SIZES];
static size_t handed_out; /* bytes from the start of the part */

static size_t lines_of(size_t bytes) { return (bytes + CACHE_LINE - 1) / CACHE_LINE; }

void *meta_alloc(size_t bytes) {
    size_t n = lines_of(bytes);
    if (n < PIECE_SIZES && free_pieces[n] != NULL) {
        struct piece *piece = free_pieces[n];
        free_pieces[n] = piece->next;
        return piece;
    }
    if (!part_grow(&space.meta_part, handed_out + n * CACHE_LINE)) return NULL;
    void *start = space.meta_part.start + handed_out;
    handed_out += n * CACHE_LINE;
    return start;
}

void meta_free(void *start, size_t bytes) {
    size_t n = lines_of(bytes);
    if (n >= PIECE_SIZES) return;
    struct piece *piece = start;
    piece->next = free_pieces[n];
    free_pieces[n] = piece;
}

void meta_forget_free(void) {
    for (unsigned n = 0; n < PIECE_SIZES; n++) free_pieces[n] = NULL;
}

size_t meta_bytes_used(void) { return handed_out; }
