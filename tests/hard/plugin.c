/* The library that plugins.c loads and unloads. It allocates in its constructor, its destructor and
 * its functions, and has thread-local storage. */
#include <stdlib.h>
#include <string.h>

static __thread char local[100000];
static void *block;

__attribute__((constructor)) static void construct(void) { block = malloc(1000); }

__attribute__((destructor)) static void destruct(void) {
    free(block);
    free(malloc(100000));
}

char *plugin_block(size_t size) {
    char *result = malloc(size);
    return result != NULL ? memset(result, 1, size) : NULL;
}

void plugin_free(void *p) { free(p); }

/* At a thread's first access the loader allocates the thread-local storage. */
int plugin_touch(void) {
    local[sizeof(local) - 1]++;
    return local[sizeof(local) - 1];
}
