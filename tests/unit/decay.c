/* What a thread keeps becomes less with time, however long a sweep takes. */
#include "held.h"
#include "unit.h"

#include "base/settings.h"
#include "heap/decay.h"
#include "heap/magazine.h"
#include "heap/mode.h"
#include "heap/slab.h"
#include "pages/space.h"

enum { SIZE_CLASS = 4, GROWTHS = 400, HALVING_NS = 200000000 };
enum { SLICES_SLABS = 20 }; /* more than one slice of a sweep retires */

/* The test chooses the time, in nanoseconds. */
static int64_t test_time = 1000000000;
int64_t __wrap_os_coarse_ns(void);
int64_t __wrap_os_coarse_ns(void) { return test_time; }

static struct heap heap;

static unsigned cached(void) { return magazine_count(&heap, SIZE_CLASS); }

static void magazines_are_halved_during_a_long_sweep(void **state) {
    (void)state;
    for (int i = 0; i < GROWTHS; i++) magazine_grow(&heap, SIZE_CLASS);
    slab_take(&heap, slab_create(&heap, SIZE_CLASS), 64);
    for (unsigned left = 32; left > 0; left /= 2) {
        heap.decay.granule = 1; /* a sweep has begun and is not complete */
        heap.decay.next_sweep = 0;
        heap.decay.next_look = 1; /* the heap is not new */
        heap.idle_emptied = 1;
        test_time += HALVING_NS;
        decay_look(&heap);
        assert_int_equal(cached(), left);
        assert_int_equal(heap.idle_emptied, 0);
        heap.decay.next_look = 1; /* once in the time of a sweep only */
        decay_look(&heap);
        assert_int_equal(cached(), left);
    }
}

/* Continues the sweep of the second heap as its thread does. */
static struct heap second;
static void sweep_slice(void) {
    second.decay.next_look = 1; /* the heap is not new */
    second.decay.next_halving = INT64_MAX;
    decay_look(&second);
}

/* A slow path may free slots in slabs where a sweep of several slices has been. */
static void a_sweep_during_slow_paths_leaves_something(void **state) {
    (void)state;
    magazines_init(&second);
    hold_heap(&second);
    second.slow_path_count = 7;
    for (int i = 0; i < SLICES_SLABS; i++) slab_create(&second, SIZE_CLASS)->age = AGE_OLD;
    sweep_slice();
    assert_int_not_equal(second.decay.granule, 0);
    second.slow_path_count++;
    sweep_slice();
    assert_int_equal(second.decay.granule, 0);
    assert_int_not_equal(second.decay.finished_at, second.slow_path_count);

    test_time += HALVING_NS;
    sweep_slice();
    assert_int_equal(second.decay.granule, 0);
    assert_int_equal(second.decay.finished_at, second.slow_path_count);
}

static int new_heap(void **state) {
    (void)state;
    settings.mxfast = settings.tcache_max = SLOT_MAX;
    settings.tcache_count = SIZE_MAX;
    mode_sees = MODE_SEES_REST;
    magazines_init(&heap);
    hold_heap(&heap);
    return space_start() ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(magazines_are_halved_during_a_long_sweep),
        cmocka_unit_test(a_sweep_during_slow_paths_leaves_something),
    };
    return cmocka_run_group_tests(tests, new_heap, NULL);
}
