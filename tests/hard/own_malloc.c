/* A library with its own malloc, which it continues to use when loaded with RTLD_DEEPBIND. */
#include <stddef.h>

static _Alignas(16) char arena[65536];
static size_t used;

void *malloc(size_t size) {
    char *block = arena + used;
    used += (size + 15) / 16 * 16;
    return used <= sizeof arena ? block : NULL;
}

void free(void *block) { (void)block; }

int own_malloc_is_used(void) {
    char *volatile block = malloc(100);
    free(block);
    return block >= arena && block < arena + sizeof arena;
}
