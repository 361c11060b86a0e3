/* Allocates blocks with mappings of their own, for strace.py. */
#include <stdlib.h>

__attribute__((noinline)) static void *hold(size_t size) {
    void *volatile block = malloc(size);
    return block;
}

__attribute__((noinline)) static void *grow(void *block, size_t size) {
    void *volatile larger = realloc(block, size);
    return larger;
}

int main(void) {
    void *block = grow(hold((size_t)30 << 20), (size_t)60 << 20);
    free(block);
    return 0;
}
