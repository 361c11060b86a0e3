/* A program that is built with Mallow's malloc, its own malloc, or a sanitizer's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef OWN_MALLOC
static _Alignas(16) char arena[1 << 20];
static size_t used;

void *malloc(size_t size) {
    char *block = arena + used;
    used += (size + 15) / 16 * 16;
    return used <= sizeof arena ? block : NULL;
}

void *calloc(size_t count, size_t size) { return malloc(count * size); }

void *realloc(void *block, size_t size) {
    void *moved = malloc(size);
    return block == NULL || moved == NULL ? moved : memcpy(moved, block, size);
}

void free(void *block) { (void)block; }
#endif

int main(void) {
    for (int i = 0; i < 1000; i++) free(malloc(100));
    puts("done");
    return 0;
}
