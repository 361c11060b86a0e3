/* Slabs of ended threads serve the threads that need them. */
#include "unit.h"

#include <pthread.h>
#include <stdbool.h>

#include "heap/heap.h"
#include "heap/magazine.h"
#include "heap/size_class.h"
#include "mallow.h"
#include "pages/purge.h"
#include "pages/space.h"
#include "start_heap.h"

enum { THREADS = 3, BLOCKS = 300, BLOCK = 512, OTHER = 640, OTHERS = 100 };

struct worker {
    struct heap *heap;
    void *blocks[BLOCKS];
};

static struct worker workers[THREADS];
static pthread_barrier_t all_have_heaps;

static bool is_in_slab(const void *p) { return slab_of(granule_of(p))->kind == GRANULE_SLAB; }

/* Leaves free slots of two classes in the heap: in its slabs and in its magazines. */
static void *work(void *context) {
    struct worker *worker = context;
    void *others[OTHERS];
    for (unsigned i = 0; i < BLOCKS; i++) worker->blocks[i] = mallow_malloc(BLOCK);
    for (unsigned i = 0; i < OTHERS; i++) others[i] = mallow_malloc(OTHER);
    for (unsigned i = 0; i < OTHERS; i++) mallow_free(others[i]);
    worker->heap = self_heap;
    pthread_barrier_wait(&all_have_heaps);
    return NULL;
}

static void run_workers(void) {
    pthread_t threads[THREADS];
    assert_int_equal(pthread_barrier_init(&all_have_heaps, NULL, THREADS), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (unsigned i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static bool has_blocks_in(const struct worker *worker, const struct slab *slab) {
    for (unsigned i = 0; i < BLOCKS; i++)
        if (slab_head(slab_of(granule_of(worker->blocks[i]))) == slab) return true;
    return false;
}

/* Allocates until a slab serves, and returns that slab. */
static struct slab *slab_that_serves(void) {
    void *p;
    do p = mallow_malloc(BLOCK);
    while (!is_in_slab(p));
    return slab_head(slab_of(granule_of(p)));
}

/* Uses up all slots of the class that the thread has. */
static void use_up(void) {
    unsigned size_class = size_class_of(BLOCK);
    while (self_heap->bin[size_class].partial != NULL || magazine_count(self_heap, size_class) != 0)
        mallow_malloc(BLOCK);
}

/* A thread that frees the blocks of an ended one takes over its slabs first, so that its further
 * frees there are its own. The slots of other classes stay where they are. */
static void a_successor_takes_its_predecessors_slabs(void **state) {
    (void)state;
    purge_set_retain(PURGE_NEVER); /* no tour empties the magazines, however long the test takes */
    run_workers();
    mallow_free(mallow_malloc(BLOCK));
    for (unsigned i = THREADS; i-- > 0;) {
        struct worker *worker = &workers[i];
        unsigned cached = magazine_count(worker->heap, size_class_of(OTHER));
        assert_true(cached != 0);
        use_up();
        mallow_free(worker->blocks[BLOCKS - 1]);
        struct slab *slab = slab_that_serves();
        assert_true(has_blocks_in(worker, slab));
        assert_ptr_equal(slab->owner, self_heap);
        assert_int_equal(magazine_count(worker->heap, size_class_of(OTHER)), cached);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_successor_takes_its_predecessors_slabs),
    };
    return cmocka_run_group_tests(tests, start_heap, NULL);
}
