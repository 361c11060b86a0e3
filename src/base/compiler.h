/* Attributes and hints for the compiler. */
#ifndef MALLOW_COMPILER_H
#define MALLOW_COMPILER_H

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

/* Fetches memory that is read soon. Without the empty instruction gcc considers the function to
 * have no effect and removes its calls. */
static inline void fetch_ahead(const void *at) {
    __asm__ volatile("" : : "r"(at));
    __builtin_prefetch(at);
}

#endif
