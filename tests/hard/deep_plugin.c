/* The library that deep_binding.c loads with RTLD_DEEPBIND. Only its own RUNPATH leads to the
 * neighbour, so dlopen finds the neighbour only if the loader knows the calling library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int same_name(void) { return 2; }

int deep_same_name(void) { return same_name(); }

pid_t deep_fork(void) { return fork(); }

long deep_random(void) { return random(); }

/* Not a tail call: the loader identifies the caller of dlopen by the return address. */
void *deep_open_neighbour(int mode) {
    void *volatile library = dlopen("libhard_deep_neighbour.so", mode);
    return library;
}

enum { WAYS = 11 };

/* Returns a block of at least SIZE bytes, from the allocation function with the number WAY. */
void *deep_allocate(int way, size_t size) {
    char *text = NULL;
    void *block = NULL;
    switch (way) {
    case 0:
        return malloc(size);
    case 1:
        return calloc(size, 1);
    case 2:
        return realloc(NULL, size);
    case 3:
        return reallocarray(NULL, size, 1);
    case 4:
        return memalign(64, size);
    case 5:
        return aligned_alloc(64, (size + 63) / 64 * 64);
    case 6:
        return posix_memalign(&block, 64, size) == 0 ? block : NULL;
    case 7:
        return valloc(size);
    case 8:
        return pvalloc(size);
    case 9:
        return realloc(strdup("libc's own functions allocate too"), size);
    case 10:
        return asprintf(&text, "%0*d", (int)size, 0) < 0 ? NULL : text;
    default:
        return NULL;
    }
}

int deep_ways(void) { return WAYS; }

void deep_free(void *block) { free(block); }

void *deep_resize(void *block, size_t size) { return realloc(block, size); }

size_t deep_usable_size(void *block) { return malloc_usable_size(block); }
