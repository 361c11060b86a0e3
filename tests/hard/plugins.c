/*
 * Libraries are loaded and unloaded while threads allocate. A library's blocks stay valid after it
 * is unloaded, and its thread-local storage works in each new thread.
 *     plugins PLUGIN
 */
#include "background.h"
#include "check.h"

enum { ROUNDS = 100, THREADS = 2, SIZE = 5000 };

static void *touch_storage(void *function) {
    int (*plugin_touch)(void) = (int (*)(void))function;
    for (int i = 1; i <= 10; i++) CHECK_EQUAL(plugin_touch(), i);
    return NULL;
}

static void one_life(const char *path) {
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (plugin == NULL) check_failed("%s\n", dlerror());
    char *(*plugin_block)(size_t) = (char *(*)(size_t))dlsym(plugin, "plugin_block");
    void (*plugin_free)(void *) = (void (*)(void *))dlsym(plugin, "plugin_free");
    char *block = plugin_block(SIZE);
    plugin_free(malloc(SIZE));
    run_in_thread(touch_storage, dlsym(plugin, "plugin_touch"));
    CHECK_EQUAL(dlclose(plugin), 0);
    CHECK(block[0] == 1 && block[SIZE - 1] == 1);
    free(block);
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 2);
    start_background(THREADS);
    for (int i = 0; i < ROUNDS; i++) one_life(argv[1]);
    stop_background();
}
