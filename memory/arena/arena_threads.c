/*
 * Arenas of threads. The list `of_threads` of the common arena contains them, and the list of its
 * other children does not. Each thread adds its own arena. Entries leave the list only when the
 * common arena is destroyed or reset, and no other thread may use the arena at that time. The list
 * therefore needs no lock.
 */
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arena/arena.h"
#include "base/failure.h"

/* The result of this thread's last call of mallow_arena_for_thread. */
static __thread struct {
    uint64_t common; /* identity of the common arena */
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

/* A new thread can have the ID of one that has ended. It then takes over that thread's arena. */
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

/* Gives the common arena a new identity, because `arena_last` of other threads has the old one. */
void arena_destroy_threads(struct arena *common) {
    struct arena *own = atomic_load_explicit(&common->of_threads, memory_order_acquire);
    if (own == NULL) return;
    common->identity = arena_new_identity();
    atomic_store_explicit(&common->of_threads, NULL, memory_order_relaxed);
    while (own != NULL) {
        struct arena *next = own->next_of_threads;
        own->thread = 0;
        mallow_arena_destroy(&own->room);
        own = next;
    }
}
