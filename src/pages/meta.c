#include "pages/meta.h"

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "os/open_lock.h"
#include "pages/purge_runs.h"
#include "pages/space.h"

/*
 * Pieces are cut from the part as it grows. Freed ones wait in a list for each size, in cache
 * lines: magazines, states and heaps. When the part cannot grow any more (RLIMIT_AS), all of them
 * are merged with their neighbours, and cut anew.
 */
#define PIECE_SIZES 72u

struct piece {
    struct piece *next;
    size_t lines;
};

static struct piece *free_pieces[PIECE_SIZES]; /* [0]: larger ones, and what was merged */
static size_t handed_out;                      /* bytes from the start of the part */

static size_t lines_of(size_t bytes) { return (bytes + CACHE_LINE - 1) / CACHE_LINE; }

/* True if the piece lies in what was cut from the part so far. */
ONLY_ASSERTED static bool is_piece(const void *start, size_t lines) {
    size_t at = (size_t)((const char *)start - space.meta_part.start);
    return at % CACHE_LINE == 0 && at < handed_out && lines * CACHE_LINE <= handed_out - at;
}

static void put(void *start, size_t lines) {
    MALLOW_ASSERT(lines != 0);
    MALLOW_ASSERT(is_piece(start, lines));
    MALLOW_ASSERT(free_pieces[lines < PIECE_SIZES ? lines : 0] != start);
    struct piece **list = &free_pieces[lines < PIECE_SIZES ? lines : 0];
    struct piece *piece = start;
    piece->next = *list;
    piece->lines = lines;
    signal_order(); /* a list is whole after each instruction, but while it is merged */
    *list = piece;
}

/* The first of the list that is large enough; what is left of it goes back. */
static void *take(struct piece **list, size_t lines) {
    for (; *list != NULL; list = &(*list)->next) {
        struct piece *piece = *list;
        MALLOW_ASSERT(is_piece(piece, piece->lines));
        if (piece->lines < lines) continue;
        *list = piece->next;
        signal_order();
        if (piece->lines > lines) put((char *)piece + lines * CACHE_LINE, piece->lines - lines);
        return piece;
    }
    return NULL;
}

static void *cut(size_t lines) {
    if (!part_grow(&space.meta_part, handed_out + lines * CACHE_LINE)) return NULL;
    void *start = space.meta_part.start + handed_out;
    handed_out += lines * CACHE_LINE;
    MALLOW_ASSERT(handed_out <= space.meta_part.accessible);
    signal_order();
    return start;
}

/* ---- merging ---- */

static struct piece *merge_by_address(struct piece *a, struct piece *b) {
    struct piece *first = NULL, **end = &first;
    while (a != NULL && b != NULL) {
        struct piece **lower = a < b ? &a : &b;
        *end = *lower;
        end = &(*lower)->next;
        *lower = *end;
    }
    *end = a != NULL ? a : b;
    return first;
}

/* Sorted lists of 1, 2, 4, ... pieces wait for one of equal length, as bits of a counter. */
static struct piece *sort_by_address(struct piece *list) {
    struct piece *sorted[64] = {NULL}, *all = NULL;
    while (list != NULL) {
        struct piece *one = list;
        list = list->next;
        one->next = NULL;
        unsigned i = 0;
        for (; sorted[i] != NULL; sorted[i++] = NULL) one = merge_by_address(sorted[i], one);
        sorted[i] = one;
    }
    for (unsigned i = 0; i < 64; i++) all = merge_by_address(all, sorted[i]);
    return all;
}

static bool merging;

static void merge_neighbours(void) {
    MALLOW_ASSERT(!merging);
    merging = true;
    signal_order();
    struct piece *all = NULL;
    for (unsigned n = 0; n < PIECE_SIZES; n++) {
        for (struct piece *piece = free_pieces[n], *next; piece != NULL; piece = next) {
            next = piece->next;
            piece->next = all;
            all = piece;
        }
        free_pieces[n] = NULL;
    }
    free_pieces[0] = all = sort_by_address(all);
    while (all != NULL) {
        struct piece *next = all->next;
        if (next != NULL && (char *)all + all->lines * CACHE_LINE == (char *)next) {
            all->lines += next->lines;
            all->next = next->next;
        } else {
            all = next;
        }
    }
    signal_order();
    merging = false;
}

bool meta_give_back(void) {
    open_lock_assert_held(&global_lock);
    return part_shrink(&space.meta_part, handed_out);
}

void *meta_alloc(size_t bytes) {
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(bytes != 0);
    size_t lines = lines_of(bytes);
    void *start = take(&free_pieces[lines < PIECE_SIZES ? lines : 0], lines);
    if (start == NULL) start = cut(lines);
    if (start == NULL) start = take(&free_pieces[0], lines);
    if (start != NULL) return start;
    merge_neighbours();
    start = take(&free_pieces[0], lines);
    if (start != NULL) return start;
    bool some = purge_runs_top();
    return meta_give_back() || some ? cut(lines) : NULL;
}

void meta_free(void *start, size_t bytes) {
    open_lock_assert_held(&global_lock);
    put(start, lines_of(bytes));
}

void meta_forget_free(void) {
    for (unsigned n = 0; n < PIECE_SIZES; n++) free_pieces[n] = NULL;
    merging = false;
}

void meta_repair(void) {
    if (merging) meta_forget_free();
}

size_t meta_bytes_used(void) { return handed_out; }
