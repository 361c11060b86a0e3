/* The library that plugins.c loads and unloads: it allocates in each place that the loader runs. */
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

/* The first access of a thread lets the loader allocate the storage. */
int plugin_touch(void) {
    local[sizeof(local) - 1]++;
    return local[sizeof(local) - 1];
}
