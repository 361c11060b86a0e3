/* Blocks of a shared heap keep their content, sizes and names, for any order of operations, and
 * wrong handles are refused without harm. */
#include "heap_test.h"

#include <errno.h>

#include "shared/image.h"

static unsigned below(unsigned limit) { return (unsigned)rand() % limit; }

/* ---- a model: the live blocks ---- */

enum { BLOCKS = 300, STEPS = 100000 };

static struct block {
    mallow_shared_handle handle;
    size_t size;
    unsigned char fill;
} blocks[BLOCKS];

static void check_block(struct mallow_shared *heap, const struct block *block, size_t bytes) {
    const unsigned char *at = mallow_shared_at_checked(heap, block->handle, block->size);
    size_t size, align = 16;
    assert_non_null(at);
    assert_ok(mallow_shared_size(heap, block->handle, &size));
    assert_int_equal(size, block->size);
    while (align < size && align < 4096) align *= 2;
    assert_int_equal((uintptr_t)at % align, 0);
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != block->fill) fail_msg("byte %zu of %zu changed", i, block->size);
}

static void fill_block(struct mallow_shared *heap, struct block *block) {
    static unsigned char fill;
    block->fill = ++fill;
    memset(mallow_shared_at(heap, block->handle), block->fill, block->size);
}

static size_t any_size(void) {
    return below(40) == 0 ? below(200000) : below(10) == 0 ? below(5000) : below(120);
}

static bool is_zero(const unsigned char *at, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (at[i] != 0) return false;
    return true;
}

static void allocate(struct mallow_shared *heap, struct block *block) {
    block->size = any_size();
    if (below(2) == 0) {
        assert_ok(mallow_shared_alloc(heap, block->size, &block->handle));
    } else {
        assert_ok(mallow_shared_zalloc(heap, block->size, &block->handle));
        assert_true(is_zero(mallow_shared_at(heap, block->handle), block->size));
    }
    fill_block(heap, block);
}

static void resize(struct mallow_shared *heap, struct block *block) {
    size_t old = block->size;
    block->size = any_size();
    assert_ok(mallow_shared_resize(heap, &block->handle, block->size));
    check_block(heap, block, old < block->size ? old : block->size);
    fill_block(heap, block);
}

static void check_amounts(struct mallow_shared *heap) {
    struct mallow_shared_statistics now = measure(heap);
    uint64_t count = 0, requested = 0, used = 0, free = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].handle == 0) continue;
        uint64_t bytes = 16;
        while (bytes < blocks[i].size) bytes *= 2;
        count++;
        requested += blocks[i].size;
        used += bytes;
    }
    for (int order = 0; order < MALLOW_SHARED_ORDERS; order++)
        free += now.free_blocks[order] * ((uint64_t)16 << order);
    assert_int_equal(now.blocks, count);
    assert_int_equal(now.requested, requested);
    assert_int_equal(now.used, used);
    assert_int_equal(now.free, free);
    assert_int_equal(now.free + now.used, now.size);
    assert_true(now.size <= now.maximum && now.largest_free <= now.free);
}

static void any_order_of_operations(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1, 64 << 20);
    for (int step = 0; step < STEPS; step++) {
        struct block *block = &blocks[below(BLOCKS)];
        if (block->handle == 0) {
            allocate(heap, block);
        } else if (below(3) == 0) {
            resize(heap, block);
        } else {
            check_block(heap, block, block->size);
            assert_ok(mallow_shared_free(heap, block->handle));
            block->handle = 0;
        }
        if (step % 1000 == 0) {
            check_heap(heap);
            check_amounts(heap);
        }
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_ok(mallow_shared_free(heap, blocks[i].handle));
        blocks[i].handle = 0;
    }
    check_heap(heap);
    check_amounts(heap);
    assert_int_equal(measure(heap).used, 0);
    assert_ok(mallow_shared_close(heap));
}

/* ---- sizes and growth ---- */

static void a_block_can_be_the_whole_heap(void **state) {
    (void)state;
    mallow_shared_handle handle = 0;
    struct mallow_shared *heap = new_heap(1, 1 << 20);
    assert_int_equal(measure(heap).size, 64 << 10);
    assert_ok(mallow_shared_alloc(heap, 1 << 20, &handle));
    memset(mallow_shared_at(heap, handle), 1, 1 << 20);
    assert_int_equal(measure(heap).size, 1 << 20);
    assert_int_equal(measure(heap).free, 0);
    mallow_shared_handle other = 77;
    assert_result(mallow_shared_alloc(heap, 1, &other), MALLOW_NO_MEMORY);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(other, 77);
    assert_ok(mallow_shared_free(heap, handle));
    assert_int_equal(measure(heap).largest_free, 1 << 20);
    assert_result(mallow_shared_alloc(heap, (1 << 20) + 1, &handle), MALLOW_NO_MEMORY);
    assert_result(mallow_shared_alloc(heap, SIZE_MAX, &handle), MALLOW_TOO_LARGE);
    assert_int_equal(errno, EOVERFLOW);
    check_heap(heap);
    assert_ok(mallow_shared_close(heap));
}

static void a_heap_grows_on_request(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(100000, 1 << 20);
    assert_int_equal(measure(heap).size, 128 << 10);
    assert_ok(mallow_shared_grow(heap, 500000));
    assert_int_equal(measure(heap).size, 512 << 10);
    assert_ok(mallow_shared_grow(heap, 1));
    assert_int_equal(measure(heap).size, 512 << 10);
    assert_result(mallow_shared_grow(heap, (1 << 20) + 1), MALLOW_NO_ROOM);
    assert_int_equal(errno, ERANGE);
    assert_ok(mallow_shared_grow(heap, 1 << 20));
    assert_int_equal(measure(heap).largest_free, 1 << 20);
    check_heap(heap);
    assert_ok(mallow_shared_close(heap));
}

/* A program that allocates and frees one block in turn leaves one pair of buddies in each order. */
static void pairs_of_free_buddies_merge_when_needed(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1 << 20, 1 << 20);
    mallow_shared_handle handle, whole;
    for (size_t size = 16; size < 1 << 20; size *= 2) {
        assert_ok(mallow_shared_alloc(heap, size, &handle));
        assert_ok(mallow_shared_free(heap, handle));
        check_heap(heap);
    }
    assert_ok(mallow_shared_alloc(heap, 1 << 20, &whole));
    assert_ok(mallow_shared_free(heap, whole));
    check_heap(heap);
    assert_ok(mallow_shared_close(heap));
}

/* ---- handles ---- */

static void wrong_handles_are_refused(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1 << 16, 1 << 20), *other = new_heap(1 << 16, 1 << 20);
    mallow_shared_handle a, b, foreign;
    size_t size;
    assert_ok(mallow_shared_alloc(heap, 100, &a));
    assert_ok(mallow_shared_alloc(heap, 100, &b));
    assert_ok(mallow_shared_alloc(other, 100, &foreign));
    const struct {
        mallow_shared_handle handle;
        enum mallow_result result;
    } wrong[] = {{a + 16, MALLOW_NOT_A_BLOCK},
                 {a + 1, MALLOW_NOT_A_BLOCK},
                 {a + 127, MALLOW_NOT_A_BLOCK},
                 {b + 128, MALLOW_ALREADY_FREE},
                 {a + (1 << 16), MALLOW_FOREIGN_HANDLE},
                 {1, MALLOW_FOREIGN_HANDLE},
                 {UINT64_MAX, MALLOW_FOREIGN_HANDLE},
                 {a - 128 - 16, MALLOW_FOREIGN_HANDLE},
                 {a ^ (uint64_t)1 << 60, MALLOW_FOREIGN_HANDLE}};
    struct mallow_shared_statistics before = measure(heap);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        mallow_shared_handle handle = wrong[i].handle;
        assert_result(mallow_shared_free(heap, handle), wrong[i].result);
        assert_int_equal(errno, EINVAL);
        assert_string_equal(mallow_last_error().function, "mallow_shared_free");
        assert_result(mallow_shared_resize(heap, &handle, 1000), wrong[i].result);
        assert_int_equal(handle, wrong[i].handle);
        assert_result(mallow_shared_size(heap, handle, &size), wrong[i].result);
        assert_null(mallow_shared_at_checked(heap, handle, 0));
        assert_int_equal(mallow_last_error().result, wrong[i].result);
        assert_result(mallow_shared_set_name(heap, "name", handle), wrong[i].result);
    }
    if ((foreign ^ a) >> 48 != 0)
        assert_result(mallow_shared_free(heap, foreign), MALLOW_FOREIGN_HANDLE);
    assert_null(mallow_shared_at_checked(heap, a, 101));
    assert_int_equal(mallow_last_error().result, MALLOW_NO_ROOM);
    assert_ok(mallow_shared_free(heap, b));
    assert_result(mallow_shared_free(heap, b), MALLOW_ALREADY_FREE);
    assert_string_equal(mallow_error_text(MALLOW_ALREADY_FREE),
                        "mallow_shared_free: the handle refers to free memory");
    assert_ok(mallow_shared_free(heap, 0));
    assert_int_equal(measure(heap).blocks, before.blocks - 1);
    check_heap(heap);
    assert_ok(mallow_shared_close(heap));
    assert_ok(mallow_shared_close(other));
}

struct node;
typedef MALLOW_SHARED_HANDLE(struct node) node_handle;
struct node {
    node_handle next;
    long value;
};

static void typed_handles_refer_to_objects(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1 << 16, 1 << 16);
    node_handle first = {0};
    assert_null(MALLOW_SHARED_GET(heap, first));
    for (long i = 0; i < 10; i++) {
        node_handle next = first;
        assert_ok(MALLOW_SHARED_NEW(heap, &first));
        MALLOW_SHARED_GET(heap, first)->next = next;
        MALLOW_SHARED_GET(heap, first)->value = i;
    }
    long expected = 10;
    for (node_handle at = first; at.handle != 0; at = MALLOW_SHARED_GET(heap, at)->next)
        assert_int_equal(MALLOW_SHARED_GET(heap, at)->value, --expected);
    assert_int_equal(expected, 0);
    struct node *node = MALLOW_SHARED_GET(heap, first);
    assert_int_equal(mallow_shared_handle_of(heap, node), first.handle);
    assert_int_equal(mallow_shared_handle_of(heap, &expected), 0);
    assert_int_equal(mallow_shared_handle_of(heap, NULL), 0);
    mallow_shared_handle small;
    assert_ok(mallow_shared_alloc(heap, sizeof *node - 1, &small));
    assert_null(MALLOW_SHARED_GET(heap, (node_handle){small}));
    assert_ok(mallow_shared_free(heap, first.handle));
    assert_null(MALLOW_SHARED_GET(heap, first));
    assert_ok(mallow_shared_close(heap));
}

/* ---- handles in the heap ---- */

static void handles_in_the_heap_change_with_it(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1 << 20, 1 << 20);
    mallow_shared_handle *root = mallow_shared_root(heap), first, local = 0;
    assert_int_equal(*root, 0);
    assert_ok(mallow_shared_free_from(heap, root));
    assert_ok(mallow_shared_alloc(heap, 40, &first)); /* makes the memory differ from zero first */
    memset(mallow_shared_at(heap, first), 7, 40);
    assert_ok(mallow_shared_free(heap, first));
    assert_ok(mallow_shared_alloc_into(heap, root, 40));
    mallow_shared_handle *list = mallow_shared_at_checked(heap, *root, 40);
    assert_true(is_zero((unsigned char *)list, 40));
    assert_result(mallow_shared_alloc_into(heap, root, 40), MALLOW_EXISTS);
    assert_int_equal(errno, EEXIST);
    assert_ok(mallow_shared_alloc_into(heap, &list[0], 100));
    memset(mallow_shared_at(heap, list[0]), 7, 100);
    first = list[0];
    assert_ok(mallow_shared_alloc_into(heap, &list[1], 100));
    assert_ok(mallow_shared_resize_in(heap, &list[0], 10000));
    assert_true(list[0] != first);
    assert_int_equal(((char *)mallow_shared_at_checked(heap, list[0], 10000))[99], 7);
    assert_result(mallow_shared_free(heap, first), MALLOW_ALREADY_FREE);
    first = list[0];
    assert_ok(mallow_shared_move(heap, &list[0], &list[2], 0));
    assert_int_equal(list[0], 0);
    assert_int_equal(list[2], first);
    assert_result(mallow_shared_move(heap, &list[1], &list[2], 0), MALLOW_EXISTS);
    assert_result(mallow_shared_move(heap, &list[1], &list[1], 0), MALLOW_BAD_ARGUMENT);
    assert_result(mallow_shared_move(heap, &list[1], &local, 0), MALLOW_BAD_ARGUMENT);
    assert_result(mallow_shared_alloc_into(heap, &local, 1), MALLOW_BAD_ARGUMENT);
    assert_result(mallow_shared_alloc_into(heap, list + 8, 1), MALLOW_BAD_ARGUMENT);
    assert_result(mallow_shared_alloc_into(heap, root + 1, 1), MALLOW_BAD_ARGUMENT);
    const char *header = (char *)root - offsetof(struct image_header, root);
    for (size_t at = IMAGE_NAMES_AT + 8; at < IMAGE_STATES_AT + 64; at += 8)
        if (at % 64 != 0 || at >= IMAGE_STATES_AT)
            assert_result(mallow_shared_alloc_into(heap, (void *)(uintptr_t)(header + at), 1),
                          MALLOW_BAD_ARGUMENT);
    assert_result(mallow_shared_alloc_into(heap, (void *)((char *)list + 4), 1),
                  MALLOW_BAD_ARGUMENT);
    assert_ok(mallow_shared_free_from(heap, &list[2]));
    assert_int_equal(list[2], 0);
    assert_result(mallow_shared_free(heap, first), MALLOW_ALREADY_FREE);
    assert_ok(mallow_shared_free_from(heap, &list[1]));
    list[3] = *root; /* a block that refers to itself */
    assert_ok(mallow_shared_free_from(heap, &list[3]));
    assert_int_equal(measure(heap).blocks, 0);
    check_heap(heap);
    assert_ok(mallow_shared_close(heap));
}

/* ---- names ---- */

static void blocks_have_names(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1 << 16, 1 << 16);
    mallow_shared_handle a, b, found = 0;
    bool created = false;
    errno = 0;
    assert_int_equal(mallow_shared_find(heap, "a", &found), MALLOW_NOT_FOUND);
    assert_int_equal(mallow_shared_remove_name(heap, "a"), MALLOW_NOT_FOUND);
    assert_int_equal(errno, 0);
    assert_ok(mallow_shared_find_or_alloc(heap, "a", 100, &a, &created));
    assert_true(created);
    assert_true(is_zero(mallow_shared_at_checked(heap, a, 100), 100));
    assert_ok(mallow_shared_find_or_alloc(heap, "a", 50, &found, &created));
    assert_false(created);
    assert_int_equal(found, a);
    assert_result(mallow_shared_find_or_alloc(heap, "a", 101, &found, NULL), MALLOW_NO_ROOM);
    assert_string_equal(mallow_error_text(MALLOW_NO_ROOM),
                        "mallow_shared_find_or_alloc: there is room for 100 bytes, and 101 are "
                        "needed");
    assert_ok(mallow_shared_alloc(heap, 10, &b));
    assert_ok(mallow_shared_set_name(heap, "b", b));
    assert_ok(mallow_shared_find(heap, "b", &found));
    assert_int_equal(found, b);
    assert_ok(mallow_shared_set_name(heap, "b", a));
    assert_ok(mallow_shared_find(heap, "b", &found));
    assert_int_equal(found, a);
    assert_ok(mallow_shared_remove_name(heap, "a"));
    assert_int_equal(mallow_shared_find(heap, "a", &found), MALLOW_NOT_FOUND);
    unsigned cursor = 0;
    char name[MALLOW_SHARED_NAME_BYTES];
    assert_ok(mallow_shared_next_name(heap, &cursor, name, &found));
    assert_string_equal(name, "b");
    assert_int_equal(found, a);
    assert_int_equal(mallow_shared_next_name(heap, &cursor, name, &found), MALLOW_NOT_FOUND);
    assert_int_equal(mallow_shared_next_name(heap, &cursor, name, &found), MALLOW_NOT_FOUND);
    assert_ok(mallow_shared_close(heap));
}

static void the_directory_has_limits(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1 << 16, 1 << 16);
    char name[100];
    mallow_shared_handle handle = 0, found;
    memset(name, 'x', sizeof name);
    name[MALLOW_SHARED_NAME_BYTES] = '\0';
    assert_result(mallow_shared_find_or_alloc(heap, name, 1, &handle, NULL), MALLOW_NO_ROOM);
    assert_int_equal(errno, ERANGE);
    name[MALLOW_SHARED_NAME_BYTES - 1] = '\0';
    assert_ok(mallow_shared_find_or_alloc(heap, name, 1, &handle, NULL));
    assert_ok(mallow_shared_find(heap, name, &found));
    assert_int_equal(found, handle);
    assert_result(mallow_shared_set_name(heap, "", handle), MALLOW_BAD_ARGUMENT);
    for (int i = 1; i < MALLOW_SHARED_NAMES; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_ok(mallow_shared_set_name(heap, name, handle));
    }
    assert_result(mallow_shared_set_name(heap, "y", handle), MALLOW_NO_ROOM);
    uint64_t before = measure(heap).blocks;
    assert_result(mallow_shared_find_or_alloc(heap, "y", 1, &handle, NULL), MALLOW_NO_ROOM);
    assert_int_equal(measure(heap).blocks, before);
    assert_ok(mallow_shared_remove_name(heap, "5"));
    assert_ok(mallow_shared_find_or_alloc(heap, "y", 1, &handle, NULL));
    check_heap(heap);
    assert_ok(mallow_shared_close(heap));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_of_operations),
        cmocka_unit_test(a_block_can_be_the_whole_heap),
        cmocka_unit_test(a_heap_grows_on_request),
        cmocka_unit_test(pairs_of_free_buddies_merge_when_needed),
        cmocka_unit_test(wrong_handles_are_refused),
        cmocka_unit_test(typed_handles_refer_to_objects),
        cmocka_unit_test(handles_in_the_heap_change_with_it),
        cmocka_unit_test(blocks_have_names),
        cmocka_unit_test(the_directory_has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
