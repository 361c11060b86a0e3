/* Accesses that race on purpose, and what ThreadSanitizer needs to know about them. */
#ifndef MALLOW_ATOMICS_H
#define MALLOW_ATOMICS_H

/* A store that other threads may load at the same time. */
#define racy_store(address, value) __atomic_store_n(address, value, __ATOMIC_RELAXED)

/* gcc and clang announce ThreadSanitizer in different ways. */
#if defined(__SANITIZE_THREAD__)
#    define THREAD_SANITIZER
#elif defined(__has_feature)
#    if __has_feature(thread_sanitizer)
#        define THREAD_SANITIZER
#    endif
#endif

/* A load that may race with a store of another thread and needs no order. A plain load is folded
 * into the compare that uses it; an atomic load is not, which costs three instructions in free. The
 * value is one machine word or byte, so it cannot tear. ThreadSanitizer gets an atomic load. */
#ifdef THREAD_SANITIZER
#    define racy_load(type, address) __atomic_load_n((type *)(address), __ATOMIC_RELAXED)
#else
#    define racy_load(type, address) (*(type *)(address))
#endif

/* A heap passes from a dead thread to the next through the kernel's mark on a word (os/owner.h).
 * ThreadSanitizer does not see that store, so owners announce each of their steps and each takeover
 * to it. */
#ifdef THREAD_SANITIZER
void __tsan_release(void *);
void __tsan_acquire(void *);
#    define sanitizer_release(address) __tsan_release(address)
#    define sanitizer_acquire(address) __tsan_acquire(address)
#else
#    define sanitizer_release(address) ((void)0)
#    define sanitizer_acquire(address) ((void)0)
#endif

/* A store that a signal handler on this thread must see before the stores that follow it. */
#define signal_order() __atomic_signal_fence(__ATOMIC_SEQ_CST)

#endif
