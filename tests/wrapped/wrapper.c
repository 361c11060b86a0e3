/*
 * A library that is preloaded before Mallow. It wraps WRAPPED, a function of libc: the wrapper
 * allocates before it calls libc's own function. It passes on seven words, which are enough
 * arguments for any function.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

void *malloc(unsigned long bytes);
void free(void *p);

#define NAME_OF(name) #name
#define NAME(name) NAME_OF(name)

static __thread int depth;

static void allocate(void) {
    static unsigned calls;
    if (depth > 3) return;
    depth++;
    free(malloc(40 + __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) % 3000));
    depth--;
}

long WRAPPED(long a, long b, long c, long d, long e, long f, long g);
long WRAPPED(long a, long b, long c, long d, long e, long f, long g) {
    static long (*real)(long, long, long, long, long, long, long);
    if (real == NULL)
        real = (long (*)(long, long, long, long, long, long, long))dlsym(RTLD_NEXT, NAME(WRAPPED));
    allocate();
    return real(a, b, c, d, e, f, g);
}
