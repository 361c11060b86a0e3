/*
 * If an object is loaded at the addresses of an unloaded one, cached facts about the old object's
 * frames are not used for the new one.
 *     swapped PLUGIN PLUGIN
 */
#include <stdint.h>

#include "check.h"
#include "oracle.h"

typedef void enter_function(void (*inside)(void));

static uintptr_t run_in(const char *path) {
    void *plugin = dlopen(path, RTLD_NOW);
    if (plugin == NULL) check_failed("%s\n", dlerror());
    enter_function *enter = (enter_function *)dlsym(plugin, "enter");
    forget_objects();
    for (unsigned i = 0; i < 3; i++) enter(compare);
    CHECK(dlclose(plugin) == 0);
    return (uintptr_t)enter;
}

int main(int argc, char **argv) {
    unsigned same = 0;
    CHECK_EQUAL(argc, 3);
    uintptr_t last = run_in(argv[1]);
    for (int i = 0; i < 100; i++) {
        uintptr_t now = run_in(argv[1 + i % 2]);
        same += now == last;
        last = now;
    }
    CHECK(same > 10);
    return 0;
}
