/* Constants of the layout. Everything that another file computes from these is asserted there. */
#ifndef MALLOW_CONFIG_H
#define MALLOW_CONFIG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

#define UNIT 16u /* every block is aligned to this, and every slot size is a multiple of it */

#define GRANULE_SHIFT 16 /* the index space counts in granules of 64 KiB */
#define GRANULE ((size_t)1 << GRANULE_SHIFT)

/* Runs of the page heap count in pages of 4 KiB, whatever the kernel's page. */
#define RUN_SHIFT 12
#define RUN_PAGE ((size_t)1 << RUN_SHIFT)
#define GRANULE_PAGES ((uint32_t)(GRANULE / RUN_PAGE))

#define SLOT_MAX \
    ((size_t)32 * KIB)           /* largest slot of a slab; beyond it a block is a run of pages */
#define SMALL_MAX ((size_t)1024) /* largest size whose class is looked up in a table */
#define COLD_MAX ((size_t)1024)  /* largest slot that the shared cold granules hold */

#define CACHE_LINE 64u

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Large buffers that most processes never touch stand apart from the pages that all of them do. */
#define UNTOUCHED __attribute__((section(".bss.untouched")))

#define EXPORT __attribute__((visibility("default")))
/* Exported, and our own calls of it need no look-up. */
#define EXPORT_OWN __attribute__((visibility("protected")))
#define NOINLINE __attribute__((noinline))
/* Begins with a cache line: what every call runs through must not depend on what lies before it. */
#define HOT __attribute__((aligned(CACHE_LINE)))
/* Called once in a process or less: made small, and laid where no page of the hot code is. */
#define RARE __attribute__((cold))
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Laid there too, but made fast: called often in modes that most processes are not in. */
#define APART __attribute__((section(".text.unlikely.apart")))

/* What is read soon is on its way from memory. gcc takes a function that does nothing else for one
 * without effect, and leaves out its calls, but for the empty instruction. */
static inline void fetch_ahead(const void *at) {
    __asm__ volatile("" : : "r"(at));
    __builtin_prefetch(at);
}

/* A store that others may load at the same time. */
#define racy_store(address, value) __atomic_store_n(address, value, __ATOMIC_RELAXED)

/* gcc and clang say in different ways that they build for ThreadSanitizer. */
#if defined(__SANITIZE_THREAD__)
#    define THREAD_SANITIZER
#elif defined(__has_feature)
#    if __has_feature(thread_sanitizer)
#        define THREAD_SANITIZER
#    endif
#endif

/* A load that may race with a store of another thread and needs no order. A plain load is folded
 * into the compare that uses it, which an atomic one is not: three instructions in free. It is one
 * machine word or byte, so it cannot tear; the sanitizer is told the truth. */
#ifdef THREAD_SANITIZER
#    define racy_load(type, address) __atomic_load_n((type *)(address), __ATOMIC_RELAXED)
#else
#    define racy_load(type, address) (*(type *)(address))
#endif

/* A heap passes from a dead thread to the next through the kernel's mark on a word (os/owner.h),
 * which the sanitizer does not see; so it is told of each step of an owner and of each taking over.
 */
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

static inline size_t round_up(size_t n, size_t multiple) { /* multiple: a power of two */
    return (n + multiple - 1) & ~(multiple - 1);
}

static inline size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t max_size(size_t a, size_t b) { return a > b ? a : b; }

#endif
