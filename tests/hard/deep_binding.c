/*
 * A library that was loaded with RTLD_DEEPBIND allocates from libc's own heap. The program gets
 * such blocks and hands them to its own free, realloc and malloc_usable_size.
 *     deep_binding PLUGIN
 */
#define _GNU_SOURCE
#include "check.h"
#include "churn.h"

#include <malloc.h>

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 2);
    void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_DEEPBIND);
    if (plugin == NULL) check_failed("%s\n", dlerror());
    char *(*plugin_block)(size_t) = (char *(*)(size_t))dlsym(plugin, "plugin_block");
    struct churn churn = {.random = 1};
    for (size_t size = 1; size < 3000000; size *= 2) {
        char *block = plugin_block(size);
        CHECK(malloc_usable_size(block) >= size);
        churn_steps(&churn, 100);
        block = realloc(block, 2 * size);
        CHECK(block != NULL && block[0] == 1 && block[size - 1] == 1);
        free(block);
        free(plugin_block(size));
    }
    churn_finish(&churn);
}
