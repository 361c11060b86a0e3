/* Blocks of an arena keep their content until they are freed, for any order of marks, releases,
 * children and destructors. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mallow/arena.h"
#include "mapped.h"

static unsigned below(unsigned limit) { return (unsigned)rand() % limit; }

/* ---- a model: the live blocks, oldest first ---- */

enum { BLOCKS_MAX = 4096, MARKS_MAX = 16, STEPS = 200000 };

struct model_block {
    unsigned char *start;
    size_t size, align;
    unsigned char fill;
};
static struct model_block blocks[BLOCKS_MAX];
static size_t block_count;
static struct {
    struct mallow_arena_position mark;
    size_t blocks;
} marks[MARKS_MAX];
static size_t mark_count;

static void check_block(const struct model_block *block) {
    assert_int_equal((uintptr_t)block->start % block->align, 0);
    for (size_t i = 0; i < block->size; i++)
        if (block->start[i] != block->fill) fail_msg("byte %zu of %zu changed", i, block->size);
}

static void add_block(void *start, size_t size, size_t align) {
    static unsigned char fill;
    assert_non_null(start);
    struct model_block *block = &blocks[block_count++];
    *block = (struct model_block){start, size, align, ++fill};
    memset(start, block->fill, size);
}

static size_t any_size(void) {
    return below(50) == 0 ? below(200000) : below(10) == 0 ? below(5000) : below(100);
}

static void add_any_block(struct mallow_arena *arena) {
    static const char text[200] = "";
    size_t size = any_size(), align = (size_t)1 << below(13);
    switch (below(5)) {
    case 0:
        add_block(mallow_arena_alloc_aligned(arena, size, align), size, align);
        break;
    case 1: {
        char *zeroed = mallow_arena_zalloc(arena, size);
        for (size_t i = 0; i < size; i++) assert_int_equal(zeroed[i], 0);
        add_block(zeroed, size, 16);
        break;
    }
    case 2: {
        int length = (int)below(300);
        add_block(mallow_arena_printf(arena, "%*s", length, ""), (size_t)length + 1, 1);
        break;
    }
    case 3:
        add_block(mallow_arena_memdup(arena, text, sizeof text), sizeof text, 16);
        break;
    default:
        add_block(mallow_arena_alloc(arena, size), size, 16);
    }
}

static void resize_a_block(struct mallow_arena *arena) {
    size_t i = below(4) != 0 ? block_count - 1 : below((unsigned)block_count);
    struct model_block old = blocks[i];
    size_t size = any_size(), kept = size < old.size ? size : old.size;
    if (old.align < 16) return;
    unsigned char *before = old.start;
    old.start = mallow_arena_resize(arena, before, old.size, size);
    old.size = kept;
    old.align = 16;
    check_block(&old);
    old.size = size;
    memset(old.start, old.fill, size);
    blocks[i] = old;
    if (old.start == before) return;
    /* The copy is now the newest block. */
    memmove(&blocks[i], &blocks[i + 1], (block_count - i - 1) * sizeof *blocks);
    blocks[block_count - 1] = old;
    for (size_t m = 0; m < mark_count; m++)
        if (marks[m].blocks > i) marks[m].blocks--;
}

static void release_to(struct mallow_arena *arena, size_t m) {
    for (size_t i = 0; i < block_count; i++) check_block(&blocks[i]);
    mallow_arena_release(arena, marks[m].mark);
    block_count = marks[m].blocks;
    mark_count = m + 1;
}

static void step(struct mallow_arena *arena) {
    if (block_count == BLOCKS_MAX) release_to(arena, below((unsigned)mark_count));
    if (below(300) == 0 && mark_count < MARKS_MAX) {
        marks[mark_count].mark = mallow_arena_mark(arena);
        marks[mark_count++].blocks = block_count;
    } else if (below(600) == 0) {
        release_to(arena, below((unsigned)mark_count));
    } else if (below(20) == 0 && block_count != 0) {
        resize_a_block(arena);
    } else {
        add_any_block(arena);
    }
}

static void blocks_keep_their_content(void **state) {
    (void)state;
    struct mallow_arena *arena = mallow_arena_create(NULL);
    marks[0].mark = mallow_arena_mark(arena);
    marks[0].blocks = block_count = 0;
    mark_count = 1;
    for (int i = 0; i < STEPS; i++) step(arena);
    release_to(arena, 0);
    assert_int_equal(mallow_arena_usage(arena).used, 0);
    mallow_arena_destroy(arena);
}

/* ---- order of the ends ---- */

static char ends[64];

static void note_end(void *letter) { strcat(ends, letter); }

static void ends_come_in_the_reverse_order(void **state) {
    (void)state;
    struct mallow_arena *arena = mallow_arena_create(NULL);
    mallow_arena_on_release(arena, note_end, "a");
    struct mallow_arena *child = mallow_arena_create(arena), *grandchild;
    mallow_arena_on_release(child, note_end, "b");
    grandchild = mallow_arena_create(child);
    mallow_arena_on_release(grandchild, note_end, "c");
    mallow_arena_on_release(arena, note_end, "d");
    struct mallow_arena_position mark = mallow_arena_mark(arena);
    mallow_arena_on_release(arena, note_end, "e");
    struct mallow_arena *younger = mallow_arena_create(arena);
    mallow_arena_on_release(younger, note_end, "f");
    *ends = '\0';
    mallow_arena_release(arena, mark);
    assert_string_equal(ends, "fe");
    mallow_arena_release(arena, mark);
    assert_string_equal(ends, "fe");
    mallow_arena_destroy(grandchild);
    assert_string_equal(ends, "fec");
    mallow_arena_destroy(arena);
    assert_string_equal(ends, "fecdba");
}

static void a_child_may_change_its_parent(void **state) {
    (void)state;
    struct mallow_arena *one = mallow_arena_create(NULL), *two = mallow_arena_create(NULL);
    struct mallow_arena *child = mallow_arena_create(one);
    char *text = mallow_arena_strdup(child, "kept");
    mallow_arena_on_release(child, note_end, "c");
    *ends = '\0';
    assert_int_equal(mallow_arena_move(child, child), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_arena_move(one, child), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_arena_move(child, two), MALLOW_OK);
    mallow_arena_destroy(one);
    assert_string_equal(ends, "");
    assert_string_equal(text, "kept");
    assert_int_equal(mallow_arena_move(child, NULL), MALLOW_OK);
    mallow_arena_destroy(two);
    assert_string_equal(text, "kept");
    mallow_arena_destroy(child);
    assert_string_equal(ends, "c");
}

static void allocate_at_the_end(void *arena) {
    char *block = mallow_arena_alloc(arena, 100000);
    memset(block, 1, 100000);
    note_end("x");
}

static void a_destructor_may_allocate(void **state) {
    (void)state;
    struct mallow_arena *arena = mallow_arena_create(NULL);
    mallow_arena_on_release(arena, allocate_at_the_end, arena);
    *ends = '\0';
    mallow_arena_reset(arena);
    mallow_arena_reset(arena);
    assert_string_equal(ends, "x");
    assert_int_equal(mallow_arena_usage(arena).used, 0);
    mallow_arena_destroy(arena);
}

static struct mallow_arena *registers_on;

static void register_another(void *letter) {
    mallow_arena_on_release(registers_on, note_end, letter);
    errno = 4711;
}

/* The list of the parent changes while the entry of the child ends. */
static void a_destructor_of_a_child_may_register_on_the_parent(void **state) {
    (void)state;
    registers_on = mallow_arena_create(NULL);
    mallow_arena_on_release(registers_on, note_end, "a");
    struct mallow_arena *child = mallow_arena_create(registers_on);
    mallow_arena_on_release(child, register_another, "b");
    *ends = '\0';
    errno = 5;
    mallow_arena_reset(registers_on);
    assert_string_equal(ends, "ba");
    child = mallow_arena_create(registers_on);
    mallow_arena_on_release(child, register_another, "b");
    mallow_arena_destroy(child);
    mallow_arena_destroy(registers_on);
    assert_string_equal(ends, "bab");
    assert_int_equal(errno, 5);
}

/* Texts of all lengths near the end of a chunk: a text either fits with its null byte or does
 * not. */
static void texts_fill_a_chunk_exactly(void **state) {
    (void)state;
    for (size_t less = 0; less < 3; less++) {
        struct mallow_arena *arena = mallow_arena_create(NULL);
        char *block = mallow_arena_zalloc(arena, 16), text[1024];
        size_t length = (size_t)(arena->end - arena->at) - less;
        if (arena->at == arena->end) skip(); /* a tool watches: there is no free part */
        memset(text, 'x', length);
        text[length] = '\0';
        assert_string_equal(mallow_arena_strdup(arena, text), text);
        for (int i = 0; i < 16; i++) assert_int_equal(block[i], 0);
        mallow_arena_destroy(arena);
    }
}

/* ---- memory ---- */

static void steady_growth_stays_in_place(void **state) {
    (void)state;
    struct mallow_arena *arena = mallow_arena_create(NULL);
    size_t size = 0, moves = 0;
    char *text = NULL;
    for (int i = 0; i < 3000000; i++) {
        char *grown = mallow_arena_resize(arena, text, size, size + 1);
        moves += grown != text;
        text = grown;
        text[size++] = (char)i;
    }
    for (size_t i = 0; i < size; i++)
        if (text[i] != (char)i) fail_msg("byte %zu", i);
    assert_in_range(moves, 1, 30);
    mallow_arena_destroy(arena);
}

static void live(struct mallow_arena *arena, size_t bytes) {
    for (size_t used = 0; used < bytes; used += 1000) mallow_arena_alloc(arena, 1000);
}

static void memory_goes_back(void **state) {
    (void)state;
    mallow_arena_destroy(mallow_arena_create(NULL));
    uint64_t before = mapped();
    struct mallow_arena *arena = mallow_arena_create(NULL);
    live(arena, 10000000);
    uint64_t peak = mallow_arena_usage(arena).mapped;
    assert_true(peak > 10000000 && peak < 12000000);
    mallow_arena_reset(arena);
    assert_int_equal(mallow_arena_usage(arena).mapped, peak);
    live(arena, 10000000);
    assert_int_equal(mallow_arena_usage(arena).mapped, peak);
    mallow_arena_reset(arena);
    live(arena, 1000000);
    mallow_arena_reset(arena);
    assert_true(mallow_arena_usage(arena).mapped < 4000000);
    assert_true(mallow_arena_trim(arena) > 0);
    assert_int_equal(mallow_arena_usage(arena).mapped, 1024);
    live(arena, 10000000);
    mallow_arena_destroy(arena);
    assert_true(mapped() < before + 1000000); /* some chunks are kept for the next arena */
}

/* The end of a chunk, which stays free when the next chunk begins, does not count as used. */
static void the_usage_is_that_of_the_blocks(void **state) {
    (void)state;
    const uint64_t block = 9008, large = 300000;
    struct mallow_arena *arena = mallow_arena_create(NULL);
    bool is_watched = arena->at == NULL; /* a tool watches, and there are gaps between blocks */
    for (uint64_t count = 1; count <= 50; count++) {
        assert_non_null(mallow_arena_alloc(arena, block));
        uint64_t used = mallow_arena_usage(arena).used;
        assert_in_range(used, count * block, count * (block + (is_watched ? 100U : 0U)));
    }
    uint64_t before = mallow_arena_usage(arena).used;
    assert_non_null(mallow_arena_alloc(arena, large));
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    assert_in_range(mallow_arena_usage(arena).used - before, large, large + 2 * page);
    mallow_arena_destroy(arena);
}

static void destroyed_arenas_leave_nothing(void **state) {
    (void)state;
    struct mallow_arena *parent = mallow_arena_create(NULL);
    mallow_arena_destroy(mallow_arena_create(parent));
    uint64_t before = mapped();
    for (int i = 0; i < 20000; i++) mallow_arena_destroy(mallow_arena_create(parent));
    assert_true(mapped() <= before + 1000000);
    mallow_arena_destroy(parent);
}

static void many_small_arenas_are_small(void **state) {
    (void)state;
    enum { ARENAS = 10000 };
    struct mallow_arena *parent = mallow_arena_create(NULL), *arenas[ARENAS];
    uint64_t before = mapped();
    for (int i = 0; i < ARENAS; i++) {
        arenas[i] = mallow_arena_create(i % 100 == 0 ? parent : arenas[i - 1]);
        memset(mallow_arena_alloc(arenas[i], 500), 1, 500);
    }
    assert_true(mapped() - before < 1100 * ARENAS);
    mallow_arena_destroy(parent);
    assert_int_equal(mallow_arena_usage(mallow_arena_create(NULL)).mapped, 1024);
}

/* ---- threads ---- */

enum { THREADS = 8 };
static struct mallow_arena *common;

static void *work(void *unused) {
    (void)unused;
    char *texts[1000];
    struct mallow_arena *mine = mallow_arena_for_thread(common);
    for (int i = 0; i < 1000; i++) {
        assert_ptr_equal(mallow_arena_for_thread(common), mine);
        texts[i] = mallow_arena_printf(mine, "%d", i);
    }
    for (int i = 0; i < 1000; i++) assert_int_equal(atoi(texts[i]), i);
    return mine;
}

static void each_thread_has_its_own(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    void *arenas[THREADS];
    common = mallow_arena_create(NULL);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, NULL);
        for (int i = 0; i < THREADS; i++) pthread_join(threads[i], &arenas[i]);
        struct mallow_arena *mine = mallow_arena_for_thread(common);
        for (int i = 0; i < THREADS; i++) assert_ptr_not_equal(arenas[i], mine);
        assert_int_equal(mallow_arena_move(mine, NULL), MALLOW_BAD_ARGUMENT);
        mallow_arena_destroy(mine);
        assert_ptr_equal(mallow_arena_for_thread(common), mine);
        mallow_arena_reset(common);
    }
    mallow_arena_destroy(common);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_their_content),
        cmocka_unit_test(ends_come_in_the_reverse_order),
        cmocka_unit_test(a_child_may_change_its_parent),
        cmocka_unit_test(a_destructor_may_allocate),
        cmocka_unit_test(a_destructor_of_a_child_may_register_on_the_parent),
        cmocka_unit_test(texts_fill_a_chunk_exactly),
        cmocka_unit_test(steady_growth_stays_in_place),
        cmocka_unit_test(memory_goes_back),
        cmocka_unit_test(the_usage_is_that_of_the_blocks),
        cmocka_unit_test(destroyed_arenas_leave_nothing),
        cmocka_unit_test(many_small_arenas_are_small),
        cmocka_unit_test(each_thread_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
