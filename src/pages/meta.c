#include "pages/meta.h"

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "os/open_lock.h"
#include "pages/purge_runs.h"
#include "pages/space.h"

/*
 * Pieces for magazines, states and heaps are cut from the part as it grows. There is a list of free
 * pieces for each size in cache lines. When the part can no longer grow (RLIMIT_AS), all free
 * pieces are merged with their neighbours and cut again.
 */
#define PIECE_SIZES 72u

struct meta_piece {
    struct meta_piece *next;
    size_t lines;
};

static struct meta_piece *meta_pieces[PIECE_SIZES]; /* [0]: larger pieces, and merged ones */
static size_t meta_used; /* bytes cut from the start of the part so far */

static size_t meta_lines(size_t bytes) { return (bytes + CACHE_LINE - 1) / CACHE_LINE; }

/* True if the piece lies in the bytes that were cut from the part so far. */
ONLY_ASSERTED static bool meta_is_piece(const void *start, size_t lines) {
    size_t at = (size_t)((const char *)start - space.meta_part.start);
    return at % CACHE_LINE == 0 && at < meta_used && lines * CACHE_LINE <= meta_used - at;
}

static void meta_put(void *start, size_t lines) {
    MALLOW_ASSERT(lines != 0);
    MALLOW_ASSERT(meta_is_piece(start, lines));
    MALLOW_ASSERT(meta_pieces[lines < PIECE_SIZES ? lines : 0] != start);
    struct meta_piece **list = &meta_pieces[lines < PIECE_SIZES ? lines : 0];
    struct meta_piece *piece = start;
    piece->next = *list;
    piece->lines = lines;
    signal_order(); /* a list is complete after each instruction, except during a merge */
    *list = piece;
}

/* Takes the first piece of the list that is large enough, and puts the rest of it back. */
static void *meta_take(struct meta_piece **list, size_t lines) {
    for (; *list != NULL; list = &(*list)->next) {
        struct meta_piece *piece = *list;
        MALLOW_ASSERT(meta_is_piece(piece, piece->lines));
        if (piece->lines < lines) continue;
        *list = piece->next;
        signal_order();
        if (piece->lines > lines)
            meta_put((char *)piece + lines * CACHE_LINE, piece->lines - lines);
        return piece;
    }
    return NULL;
}

static void *meta_cut(size_t lines) {
    if (!part_grow(&space.meta_part, meta_used + lines * CACHE_LINE)) return NULL;
    void *start = space.meta_part.start + meta_used;
    meta_used += lines * CACHE_LINE;
    MALLOW_ASSERT(meta_used <= space.meta_part.accessible);
    signal_order();
    return start;
}

/* ---- merging ---- */

static struct meta_piece *meta_merge(struct meta_piece *a, struct meta_piece *b) {
    struct meta_piece *first = NULL, **end = &first;
    while (a != NULL && b != NULL) {
        struct meta_piece **lower = a < b ? &a : &b;
        *end = *lower;
        end = &(*lower)->next;
        *lower = *end;
    }
    *end = a != NULL ? a : b;
    return first;
}

/* A merge sort: sorted[i] is empty or a sorted list of 2^i pieces, like the bits of a counter. */
static struct meta_piece *meta_sort(struct meta_piece *list) {
    struct meta_piece *sorted[64] = {NULL}, *all = NULL;
    while (list != NULL) {
        struct meta_piece *one = list;
        list = list->next;
        one->next = NULL;
        unsigned i = 0;
        for (; sorted[i] != NULL; sorted[i++] = NULL) one = meta_merge(sorted[i], one);
        sorted[i] = one;
    }
    for (unsigned i = 0; i < 64; i++) all = meta_merge(all, sorted[i]);
    return all;
}

static bool meta_merging;

static void meta_merge_neighbours(void) {
    MALLOW_ASSERT(!meta_merging);
    meta_merging = true;
    signal_order();
    struct meta_piece *all = NULL;
    for (unsigned n = 0; n < PIECE_SIZES; n++) {
        for (struct meta_piece *piece = meta_pieces[n], *next; piece != NULL; piece = next) {
            next = piece->next;
            piece->next = all;
            all = piece;
        }
        meta_pieces[n] = NULL;
    }
    meta_pieces[0] = all = meta_sort(all);
    while (all != NULL) {
        struct meta_piece *next = all->next;
        if (next != NULL && (char *)all + all->lines * CACHE_LINE == (char *)next) {
            all->lines += next->lines;
            all->next = next->next;
        } else {
            all = next;
        }
    }
    signal_order();
    meta_merging = false;
}

bool meta_give_back(void) {
    open_lock_assert_held(&global_lock);
    return part_shrink(&space.meta_part, meta_used);
}

void *meta_alloc(size_t bytes) {
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(bytes != 0);
    size_t lines = meta_lines(bytes);
    void *start = meta_take(&meta_pieces[lines < PIECE_SIZES ? lines : 0], lines);
    if (start == NULL) start = meta_cut(lines);
    if (start == NULL) start = meta_take(&meta_pieces[0], lines);
    if (start != NULL) return start;
    meta_merge_neighbours();
    start = meta_take(&meta_pieces[0], lines);
    if (start != NULL) return start;
    bool some = purge_runs_top();
    return meta_give_back() || some ? meta_cut(lines) : NULL;
}

void meta_free(void *start, size_t bytes) {
    open_lock_assert_held(&global_lock);
    meta_put(start, meta_lines(bytes));
}

void meta_forget_free(void) {
    for (unsigned n = 0; n < PIECE_SIZES; n++) meta_pieces[n] = NULL;
    meta_merging = false;
}

void meta_repair(void) {
    if (meta_merging) meta_forget_free();
}

size_t meta_bytes_used(void) { return meta_used; }
