#include "shared/mutex.h"

#include <errno.h>
#include <time.h>

#include "base/failure.h"
#include "base/kernel_shared.h"
#include "shared/store.h"

/* A lock is held for less than a microsecond, unless its owner is not running. Sleeping and waking
 * up takes much longer. */
#define SPINS 40
#define PAUSES 30

/* The heaps whose functions the thread is inside: a heap is entered before the lock is taken, and
 * left after it is given back, because a handler that interrupts these operations must not use the
 * lock. A thread is inside two heaps only if a signal handler has interrupted a function of another
 * heap. `depth` changes first and last, so a handler in between uses the entry after that. The
 * TLS model saves a call at each use; the bytes fit in what the loader reserves for libraries that
 * are loaded later. */
#define DEPTH_MAX 4
static __thread struct {
    const struct heap *volatile heap[DEPTH_MAX];
    volatile unsigned depth;
} mutex_inside __attribute__((tls_model("initial-exec")));

uint64_t mutex_kind(void) {
#ifdef __GLIBC__
    uint64_t libc = 'G' << 8;
#else
    uint64_t libc = 'M' << 8;
#endif
    return kernel_pid_namespace() << 32 | libc | sizeof(pthread_mutex_t);
}

bool mutex_create(struct image_header *header) {
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);
    if (error == 0) error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (error == 0) error = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (error == 0) error = pthread_mutex_init(&header->lock.mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    if (error != 0) errno = error;
    return error == 0;
}

static int mutex_spin(pthread_mutex_t *mutex) {
    int error = EBUSY;
    for (int i = 0; i < SPINS && error == EBUSY; i++) {
        for (int pause = 0; pause < PAUSES; pause++) {
#if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#elif defined(__aarch64__)
            __asm__ volatile("yield");
#endif
        }
        error = pthread_mutex_trylock(mutex);
    }
    return error;
}

/* Compares images, because a process can open one twice. */
static bool mutex_may_enter(const struct heap *heap, unsigned depth) {
    if (depth == DEPTH_MAX) return false;
    for (unsigned i = 0; i < depth; i++) {
        const struct heap *inside = mutex_inside.heap[i];
        if (inside != NULL && heap_header(inside)->identity == heap_header(heap)->identity)
            return false;
    }
    return true;
}

static inline void mutex_forget(void) {
    unsigned depth = mutex_inside.depth - 1;
    mutex_inside.heap[depth] = NULL;
    mutex_inside.depth = depth;
}

/* If libc supports it, a change of the system time does not affect the wait. */
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 30)
#    define MUTEX_CLOCK CLOCK_MONOTONIC
static int mutex_lock_until(pthread_mutex_t *mutex, const struct timespec *until) {
    return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, until);
}
#else
#    define MUTEX_CLOCK CLOCK_REALTIME
static int mutex_lock_until(pthread_mutex_t *mutex, const struct timespec *until) {
    return pthread_mutex_timedlock(mutex, until);
}
#endif

static int mutex_wait(struct heap *heap) {
    pthread_mutex_t *mutex = &heap_header(heap)->lock.mutex;
    int error = mutex_spin(mutex);
    if (error != EBUSY) return error;
    if (heap->wait_ms == 0) return pthread_mutex_lock(mutex);
    struct timespec until;
    clock_gettime(MUTEX_CLOCK, &until);
    until.tv_sec += heap->wait_ms / 1000;
    until.tv_nsec += (long)(heap->wait_ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return mutex_lock_until(mutex, &until);
}

/* Repairs the heap after the owner of the lock has died. */
static void mutex_repair(struct heap *heap) {
    struct image_header *header = heap_header(heap);
    if (buddy_repair(&heap->buddy))
        store_word(&header->repairs, header->repairs + 1);
    else
        store_word(&header->damaged, 1);
    pthread_mutex_consistent(&header->lock.mutex);
}

static enum mallow_result mutex_fail(const char *function, int error) {
    struct mallow_error details = {.result = MALLOW_BUSY, .error = error, .function = function};
    if (error != EDEADLK && error != ETIMEDOUT) {
        details.result = MALLOW_SYSTEM_ERROR;
        details.call = "pthread_mutex_lock";
    }
    return failure_set(details);
}

enum mallow_result mutex_enter(struct heap *heap, const char *function) {
    if (heap->read_only)
        return failure_set(
            (struct mallow_error){.result = MALLOW_DENIED, .error = EROFS, .function = function});
    unsigned depth = mutex_inside.depth;
    if (__builtin_expect(depth != 0, 0) && !mutex_may_enter(heap, depth))
        return mutex_fail(function, EDEADLK);
    mutex_inside.depth = depth + 1;
    mutex_inside.heap[depth] = heap;
    int error = pthread_mutex_trylock(&heap_header(heap)->lock.mutex);
    if (__builtin_expect(error != 0, 0)) {
        if (error == EBUSY) error = mutex_wait(heap);
        if (error == EOWNERDEAD) {
            mutex_repair(heap);
        } else if (error != 0) {
            mutex_forget();
            return mutex_fail(function, error);
        }
    }
    if (__builtin_expect(heap_header(heap)->damaged == 0, 1)) return MALLOW_OK;
    mutex_leave(heap);
    return heap_fail(function, MALLOW_DAMAGED);
}

enum mallow_result mutex_enter_to_read(struct heap *heap, const char *function) {
    return heap->read_only ? MALLOW_OK : mutex_enter(heap, function);
}

void mutex_leave(struct heap *heap) {
    if (heap->read_only) return;
    pthread_mutex_unlock(&heap_header(heap)->lock.mutex);
    mutex_forget();
}
