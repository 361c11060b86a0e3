/*
 * A C program loads a C++ plugin, and with it the C++ library, in a local scope. operator new still
 * finds the library's exceptions and new handler.
 *     local_plugin PLUGIN
 */
#include "check.h"

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 2);
    for (int i = 0; i < 3; i++) {
        void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (plugin == NULL) check_failed("%s\n", dlerror());
        int (*run_plugin)(void) = (int (*)(void))dlsym(plugin, "run_plugin");
        CHECK(run_plugin != NULL && run_plugin());
        CHECK_EQUAL(dlclose(plugin), 0);
    }
}
