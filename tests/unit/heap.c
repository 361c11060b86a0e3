/* A signal handler that interrupts a slow path gets a stand-in heap, and the thread has its own
 * heap again when the handler returns or jumps. A heap keeps some empty slabs. */
#include "unit.h"

#include "heap/heap_enter.h"

#include "heap/alloc.h"
#include "heap/heap.h"
#include "heap/heap_owner.h"
#include "heap/heap_reap.h"
#include "heap/slab.h"
#include "mallow.h"
#include "pages/space.h"
#include "start_heap.h"

enum { DEEP = 64 << 10, TIMES = 1000 };

static unsigned count_heaps(void) {
    unsigned count = 0;
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next) count++;
    return count;
}

/* Runs like a handler: its frame lies below that of the slow path that it interrupts. */
static NOINLINE void allocate_in_handler(const struct heap *interrupted) {
    volatile char room[1024];
    room[0] = 1;
    struct heap *stand_in = heap_enter();
    assert_non_null(stand_in);
    assert_ptr_not_equal(stand_in, interrupted);
    heap_leave(stand_in);
    room[sizeof(room) - 1] = room[0];
}

/* A slow path is interrupted; the handler allocates and returns. */
static void a_handler_that_returns_gives_its_heap_back(void **state) {
    (void)state;
    struct heap *own = heap_enter();
    for (int i = 0; i < TIMES; i++) allocate_in_handler(own);
    heap_leave(own);
    assert_ptr_equal(self_heap, own);
    assert_int_equal(count_heaps(), 2);
}

/* A handler interrupts a short operation, which puts the thread's own heap back at its end. */
static void a_short_operation_leaves_no_stand_in(void **state) {
    (void)state;
    struct heap *own = self_heap;
    for (int i = 0; i < TIMES; i++) {
        struct frame_mark mark;
        assert_true(heap_is_idle(own));
        heap_begin_short(own, &mark);
        allocate_in_handler(own);
        assert_ptr_not_equal(self_heap, own);
        assert_false(heap_is_idle(self_heap));
        heap_end_short(own, &mark);
        assert_ptr_equal(self_heap, own);
    }
    assert_int_equal(count_heaps(), 2);
}

/* A handler interrupts malloc_trim, which visits every heap: the thread keeps its own. */
static void a_visit_to_the_own_heap_keeps_it(void **state) {
    (void)state;
    struct heap *own = self_heap;
    for (int i = 0; i < TIMES; i++) {
        assert_true(heap_begin(own));
        allocate_in_handler(own);
        heap_end(own);
        assert_ptr_equal(self_heap, own);
        assert_true(heap_is_idle(own));
    }
    assert_int_equal(count_heaps(), 2);
}

/* A slow path far down the stack, which the thread leaves only by a jump. */
static NOINLINE void be_interrupted(bool handler_allocates) {
    volatile char room[DEEP];
    room[0] = 1;
    struct heap *own = heap_enter();
    if (handler_allocates) allocate_in_handler(own);
    room[DEEP - 1] = room[0];
}

/* Overwrites the stack, as further calls would. */
static NOINLINE void use_stack(void) {
    volatile char room[DEEP + 1024];
    for (size_t i = 0; i < sizeof room; i++) room[i] = 1;
}

static void a_handler_that_jumps_leaves_no_heap_behind(void **state) {
    (void)state;
    struct heap *own = heap_enter();
    heap_leave(own);
    for (int i = 0; i < TIMES; i++) {
        be_interrupted(i % 3 != 0);
        use_stack();
        struct heap *now = heap_enter();
        assert_ptr_equal(now, own);
        heap_leave(now);
    }
    assert_int_equal(count_heaps(), 2);
}

/* Blocks grow together through many size classes, each of which is idle afterwards. */
static void a_small_heap_reuses_the_slabs_of_idle_classes(void **state) {
    (void)state;
    enum { BLOCKS = 100, CLASS_STEP = 64, LARGEST = 2048 };
    void *blocks[BLOCKS];
    for (size_t size = CLASS_STEP; size <= LARGEST; size += CLASS_STEP) {
        for (size_t i = 0; i < BLOCKS; i++) assert_non_null(blocks[i] = mallow_malloc(size));
        for (size_t i = 0; i < BLOCKS; i++) mallow_free(blocks[i]);
    }
    assert_in_range(self_heap->granules, 1, 16); /* a class has 1 to 4 */
}

/* One block at a time, of two classes in turn. Without their slabs, each call is a slow path. */
static void alternating_classes_keep_their_slabs(void **state) {
    (void)state;
    struct heap *heap = heap_enter();
    assert_non_null(heap);
    heap_reap(heap);
    heap_leave(heap);
    unsigned before = heap->slow_path_count;
    for (unsigned i = 0; i < TIMES; i++) {
        void *p = mallow_malloc(1024 + i % 2 * 1024);
        assert_non_null(p);
        mallow_free(p);
    }
    assert_in_range(heap->slow_path_count - before, 0, TIMES / 2);
}

/* Returns how many empty slabs the heap has after it has made one for a class. */
static unsigned empties_after_a_new_slab(struct heap *heap, unsigned size_class) {
    assert_null(heap->bin[size_class].partial);
    assert_non_null(alloc_find_slab(heap, size_class));
    return heap->empties;
}

static void a_larger_heap_keeps_empty_slabs_for_their_classes(void **state) {
    (void)state;
    enum { SLABS = 40, CLASS = 10, FIRST_OTHER = 20, KEPT = 4 };
    struct heap *heap = heap_enter();
    assert_non_null(heap);
    heap_reap(heap);
    struct slab *slabs[SLABS];
    for (int i = 0; i < SLABS; i++) assert_non_null(slabs[i] = slab_create(heap, CLASS));
    unsigned other = FIRST_OTHER;
    for (unsigned i = 0; i < KEPT; i++) {
        slab_keep_empty(heap, slabs[i]);
        assert_int_equal(empties_after_a_new_slab(heap, other++), i + 1);
    }
    unsigned kept = (unsigned)heap->granules / 8;
    for (unsigned i = KEPT; i <= kept; i++) slab_keep_empty(heap, slabs[i]);
    assert_int_equal(heap->empties, kept + 1);
    assert_int_equal(empties_after_a_new_slab(heap, other), kept);
    heap_leave(heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_that_returns_gives_its_heap_back),
        cmocka_unit_test(a_short_operation_leaves_no_stand_in),
        cmocka_unit_test(a_visit_to_the_own_heap_keeps_it),
        cmocka_unit_test(a_handler_that_jumps_leaves_no_heap_behind),
        cmocka_unit_test(a_small_heap_reuses_the_slabs_of_idle_classes),
        cmocka_unit_test(alternating_classes_keep_their_slabs),
        cmocka_unit_test(a_larger_heap_keeps_empty_slabs_for_their_classes),
    };
    return cmocka_run_group_tests(tests, start_heap, NULL);
}
