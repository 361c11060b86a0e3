/* Intentional data races, and annotations that explain them to ThreadSanitizer. */
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

/* A load that may race with a store of another thread and needs no order. The compiler folds a
 * plain load into the compare that uses it, but not an atomic load, which costs three instructions
 * in free. The value is one machine word or byte, so it cannot tear. For ThreadSanitizer the load
 * is atomic. */
#ifdef THREAD_SANITIZER
#    define racy_load(type, address) __atomic_load_n((type *)(address), __ATOMIC_RELAXED)
#else
#    define racy_load(type, address) (*(type *)(address))
#endif

/* When a thread ends, the kernel marks a word, which lets the next thread take over the heap
 * (os/owner.h). ThreadSanitizer does not see the kernel's store, so owners announce their steps and
 * takeovers with these. */
#ifdef THREAD_SANITIZER
void __tsan_release(void *);
void __tsan_acquire(void *);
#    define sanitizer_release(address) __tsan_release(address)
#    define sanitizer_acquire(address) __tsan_acquire(address)
#else
#    define sanitizer_release(address) ((void)0)
#    define sanitizer_acquire(address) ((void)0)
#endif

/* Keeps earlier stores before later ones, as signal handlers on the same thread see them. */
#define signal_order() __atomic_signal_fence(__ATOMIC_SEQ_CST)

#endif
