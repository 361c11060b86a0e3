/*
 * An arena for each thread. They are children that only the list `of_threads` of the common arena
 * knows. A thread adds its own, and no entry leaves the list before the common arena ends or is
 * reset, when no other thread may use it. So the list needs no lock.
 */
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arena.h"
#include "failure.h"

/* The arena that this thread asked for last. */
static __thread struct {
    uint64_t common; /* identity */
    struct arena *own;
} arena_last;

static struct arena *arena_find_of_thread(struct arena *common, int thread) {
    struct arena *own = atomic_load_explicit(&common->of_threads, memory_order_acquire);
    while (own != NULL && own->thread != thread) own = own->next_of_threads;
    return own;
}

static struct arena *arena_create_of_thread(struct arena *common, int thread,
                                            const char *function) {
    struct arena *own = arena_create(function);
    if (own == NULL) return NULL;
    own->thread = thread;
    own->next_of_threads = atomic_load_explicit(&common->of_threads, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&common->of_threads, &own->next_of_threads, own,
                                                  memory_order_release, memory_order_relaxed)) {
    }
    return own;
}

/* A thread that has ended left its arena to the thread that gets the same ID. */
struct mallow_arena *mallow_arena_for_thread(struct mallow_arena *arena) {
    if (arena == NULL) return FAIL(MALLOW_BAD_ARGUMENT), NULL;
    struct arena *common = arena_of(arena);
    if (arena_last.common == common->identity) return &arena_last.own->room;
    int thread = (int)syscall(SYS_gettid);
    struct arena *own = arena_find_of_thread(common, thread);
    if (own == NULL) own = arena_create_of_thread(common, thread, __func__);
    if (own == NULL) return NULL;
    arena_last.common = common->identity;
    arena_last.own = own;
    return &own->room;
}

/* The common arena gets another identity, because threads remember the old one. */
void arena_destroy_threads(struct arena *common) {
    struct arena *own = atomic_load_explicit(&common->of_threads, memory_order_acquire);
    if (own == NULL) return;
    common->identity = arena_new_identity();
    atomic_store_explicit(&common->of_threads, NULL, memory_order_relaxed);
    while (own != NULL) {
        struct arena *next = own->next_of_threads;
        mallow_arena_destroy(&own->room);
        own = next;
    }
}
