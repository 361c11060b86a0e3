/* The same as stack.c, by a function that merely helps to allocate. */
#include "program.h"

static NOINLINE void *xmalloc(size_t size) {
    void *block = malloc(size);
    if (block == NULL) abort();
    return block;
}

static NOINLINE void planted(void) {
    char *block = xmalloc(200);
    use(block, 200);
    free(block);
}

static NOINLINE char *other(void) {
    char *block = xmalloc(100);
    use(block, 100);
    return block;
}

int main(void) {
    static char *kept[100];
    for (int i = 0; i < 200000; i++) {
        planted();
        if (i % 2000 == 0) kept[i / 2000] = other();
    }
    return kept[7][0] != 1;
}
