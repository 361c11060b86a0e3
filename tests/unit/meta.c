/* The allocator's metadata: no two pieces overlap, and freed pieces are used again. */
#include "held.h"
#include "unit.h"

#include <string.h>

#include "pages/meta.h"
#include "pages/space.h"
#include "pattern.h"
#include "random.h"
#include "start_heap.h"

enum { PIECES = 500, STEPS = 50000 };

static struct piece {
    void *start;
    size_t bytes;
    uint64_t key;
} pieces[PIECES];

static uint64_t seed = 1;

static bool take(struct piece *piece, size_t bytes) {
    piece->start = LOCKED(meta_alloc(bytes));
    piece->bytes = bytes;
    if (piece->start == NULL) return false;
    assert_int_equal((uintptr_t)piece->start % CACHE_LINE, 0);
    const struct part *part = &space.meta_part;
    assert_true((char *)piece->start >= part->start);
    assert_true((char *)piece->start + bytes <= part->start + part->accessible);
    piece->key = pattern_key(piece->start, bytes, 1);
    pattern_fill(piece->start, bytes, piece->key);
    return true;
}

static void give(struct piece *piece) {
    assert_true(pattern_holds(piece->start, piece->bytes, piece->key));
    LOCKED(meta_free(piece->start, piece->bytes));
    piece->start = NULL;
}

static void give_all(void) {
    for (int i = 0; i < PIECES; i++)
        if (pieces[i].start != NULL) give(&pieces[i]);
}

static size_t random_size(void) {
    return 1 + random_below(&seed, (size_t)16 << random_below(&seed, 12));
}

/* Returns the number of refused allocations. */
static int random_steps(void) {
    int refused = 0;
    for (int i = 0; i < STEPS; i++) {
        struct piece *piece = &pieces[random_below(&seed, PIECES)];
        if (piece->start != NULL)
            give(piece);
        else if (!take(piece, random_size()))
            refused++;
    }
    return refused;
}

static void pieces_do_not_overlap(void **state) {
    (void)state;
    assert_int_equal(random_steps(), 0);
    give_all();
}

static void freed_pieces_serve_the_same_size(void **state) {
    (void)state;
    for (size_t bytes = 1; bytes <= 100000; bytes = bytes * 3 / 2 + 1) {
        assert_true(take(&pieces[0], bytes));
        size_t used = meta_bytes_used();
        for (int i = 0; i < 10; i++) {
            give(&pieces[0]);
            assert_true(take(&pieces[0], bytes));
        }
        give(&pieces[0]);
        assert_int_equal(meta_bytes_used(), used);
    }
}

/* Stops the part from growing. */
static void stop_growth(void) { space.meta_part.limit = space.meta_part.accessible; }

/* Takes large pieces, and then smaller and smaller ones, until no memory is left. */
static void take_everything(void) {
    int count = 0;
    for (size_t bytes = 64 * KIB; bytes >= CACHE_LINE; bytes /= 2)
        while (count < PIECES && take(&pieces[count], bytes)) count++;
    assert_true(count < PIECES);
    assert_int_equal(meta_bytes_used(), space.meta_part.accessible);
}

static void without_growth_neighbours_are_merged(void **state) {
    (void)state;
    stop_growth();
    take_everything();
    assert_null(LOCKED(meta_alloc(1)));
    give_all();
    assert_true(take(&pieces[0], meta_bytes_used()));
    assert_null(LOCKED(meta_alloc(1)));
    give(&pieces[0]);
    take_everything();
    give_all();
}

static void without_growth_random_steps_leave_one_piece(void **state) {
    (void)state;
    stop_growth();
    struct piece ballast;
    assert_true(take(&ballast, meta_bytes_used() - MIB));
    assert_true(random_steps() > 0);
    give_all();
    give(&ballast);
    assert_true(take(&ballast, meta_bytes_used()));
    give(&ballast);
}

static void after_a_fork_free_pieces_are_forgotten(void **state) {
    (void)state;
    stop_growth();
    meta_forget_free();
    assert_null(LOCKED(meta_alloc(1)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(freed_pieces_serve_the_same_size),
        cmocka_unit_test(without_growth_neighbours_are_merged),
        cmocka_unit_test(without_growth_random_steps_leave_one_piece),
        cmocka_unit_test(after_a_fork_free_pieces_are_forgotten),
    };
    return cmocka_run_group_tests(tests, start_heap, NULL);
}
