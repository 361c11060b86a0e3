/* Memory that others free for a thread goes back to the kernel although the thread is idle, or has
 * ended, and its heap seemed settled before. */
#include "threads.h"
#include "unit.h"

#include <semaphore.h>
#include <string.h>

#include "heap/decay.h"
#include "heap/heap.h"
#include "heap/remote.h"
#include "heap/size_class.h"
#include "heap/slab.h"
#include "mallow.h"
#include "pages/space.h"
#include "start_heap.h"

/* More slabs than one call collects, and more than one slice trims. */
enum { BLOCK = 2000, BLOCKS = 6000, TOURS = 40, STEPS_PER_TOUR = 10 };
#define TOUR_NS 200000000

static int64_t now = TOUR_NS;
int64_t __wrap_purge_now(void);
int64_t __wrap_purge_now(void) { return now; }

static char *blocks[BLOCKS];
static struct heap *heap;
static sem_t allocated, finished;

static void *allocate(void *stays) {
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = mallow_malloc(BLOCK);
        memset(blocks[i], 1, BLOCK);
    }
    heap = self_heap;
    if (stays != NULL) {
        sem_post(&allocated);
        sem_wait(&finished);
    }
    return NULL;
}

/* Another thread looks at all heaps for some seconds. */
static void make_tours(void) {
    for (unsigned i = 0; i < TOURS * STEPS_PER_TOUR; i++) {
        now += TOUR_NS / STEPS_PER_TOUR;
        decay_look_at_others();
    }
}

static void free_all(void) {
    for (unsigned i = 0; i < BLOCKS; i++) mallow_free(blocks[i]);
}

static struct slab *slab_at(const char *block) { return slab_head(slab_of(granule_of(block))); }

/* Returns how many free blocks still have their pages. Slabs that have retired, or that this thread
 * has taken, do not count. */
static unsigned count_kept(void) {
    unsigned kept = 0;
    for (unsigned i = 0; i < BLOCKS; i++) {
        struct slab *slab = slab_at(blocks[i]);
        if (slab->owner != heap) continue;
        size_t slot = (size_t)(blocks[i] - slab_slot_zero(slab)) / slab->slot_size;
        kept += slot_state_get(&slab->state[slot]) != SLOT_FRESH;
    }
    return kept;
}

static void an_idle_thread_keeps_nothing(void **state) {
    (void)state;
    sem_init(&allocated, 0, 0);
    sem_init(&finished, 0, 0);
    pthread_t owner = start_thread(allocate, &allocated);
    sem_wait(&allocated);
    make_tours();
    assert_int_equal(count_kept(), BLOCKS);
    free_all();
    assert_true(remote_pending(heap));
    make_tours();
    assert_int_equal(count_kept(), 0);
    sem_post(&finished);
    join_thread(owner);
}

/* A thread takes a slab of the heap, for which it collects all that was freed there. */
static void an_ended_thread_keeps_nothing(void **state) {
    (void)state;
    join_thread(start_thread(allocate, NULL));
    make_tours();
    free_all();
    while (remote_pending(heap)) mallow_malloc(BLOCK);
    assert_true(count_kept() != 0);
    make_tours();
    assert_int_equal(count_kept(), 0);
}

/* The thread that runs the tests has a heap of its own. */
static int start_with_heap(void **state) {
    if (start_heap(state) != 0) return -1;
    mallow_free(mallow_malloc(BLOCK));
    return self_heap == EMPTY_HEAP ? -1 : 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_thread_keeps_nothing),
        cmocka_unit_test(an_ended_thread_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, start_with_heap, NULL);
}
