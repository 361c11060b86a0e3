/* Attributes and hints for the compiler. */
#ifndef MALLOW_COMPILER_H
#define MALLOW_COMPILER_H

#define CACHE_LINE 64u

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Marks a large buffer that most processes never touch. Its section is apart from the data that all
 * processes use. */
#define UNTOUCHED __attribute__((section(".bss.untouched")))

/* Marks constants that only the start of the library reads; see cmake/Placement.cmake. */
#define START_ONLY __attribute__((section(".rodata.start")))

#define EXPORT __attribute__((visibility("default")))
/* Exported, but calls from within the library need no symbol lookup. */
#define EXPORT_OWN __attribute__((visibility("protected")))
#define NOINLINE __attribute__((noinline))
/* Starts at a cache line, so that the speed of the hot code does not depend on the code before it.
 */
#define HOT __attribute__((aligned(CACHE_LINE)))
/* Called at most once in a process: optimised for size, and placed away from the pages of hot code.
 */
#define RARE __attribute__((cold))
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Hints for the choice of registers on the fast path, each of which saves a move. */
#if defined(__x86_64__)
#    define IN_RCX(value) __asm__("" : "+c"(value))
#    define IN_RDX(value) __asm__("" : "+d"(value))
/* The next use reads the variable from memory again, as an operand of an instruction. */
#    define IN_MEMORY(variable) __asm__("" : "+m"(variable))
#else
#    define IN_RCX(value) ((void)0)
#    define IN_RDX(value) ((void)0)
#    define IN_MEMORY(variable) ((void)0)
#endif

/* Before a loop of up to eight rounds: the compiler writes the rounds out. */
#ifdef __clang__
#    define UNROLLED _Pragma("unroll")
#else
#    define UNROLLED _Pragma("GCC unroll 8")
#endif

/* Placed away from the pages of hot code too, but optimised for speed: called often, but only in
 * modes that few processes use. */
#define APART __attribute__((section(".text.unlikely.apart")))

/* Prefetches memory that is read soon. Without the empty asm statement, gcc decides that the
 * function has no effect and removes its calls. */
static inline void fetch_ahead(const void *at) {
    __asm__ volatile("" : : "r"(at));
    __builtin_prefetch(at);
}

#endif
