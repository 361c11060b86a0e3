/*
 * Stacks are correct with more loaded objects on them than the unwinder's cache holds.
 *     many_objects PLUGIN
 */
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"
#include "oracle.h"

#define OBJECTS 50u

typedef void enter_function(void (*inside)(void));
static enter_function *enter[OBJECTS];
static unsigned depth, deepest_now;

static void enter_next(void) {
    compare();
    if (depth < deepest_now) enter[depth++](enter_next);
    compare();
}

static void load(const char *plugin, const char *directory, unsigned i) {
    char path[256], command[1024];
    snprintf(path, sizeof path, "%s/%u.so", directory, i);
    snprintf(command, sizeof command, "cp '%s' '%s'", plugin, path);
    CHECK_EQUAL(system(command), 0);
    void *object = dlopen(path, RTLD_NOW);
    CHECK(object != NULL && unlink(path) == 0);
    enter[i] = (enter_function *)dlsym(object, "enter");
}

int main(int argc, char **argv) {
    char directory[] = "/tmp/many_objects.XXXXXX";
    CHECK_EQUAL(argc, 2);
    CHECK(mkdtemp(directory) != NULL);
    for (unsigned i = 0; i < OBJECTS; i++) load(argv[1], directory, i);
    CHECK(rmdir(directory) == 0);
    for (unsigned round = 0; round < 40; round++) {
        static const unsigned depths[] = {10, OBJECTS, 31, 33, 20};
        depth = round * 7 % 10; /* the first of the objects */
        deepest_now = depths[round % 5];
        enter_next();
    }
    return 0;
}
