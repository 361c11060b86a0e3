/* A shrinking realloc keeps the block in place if no memory is left for the smaller copy.
 * free_sized with the smaller size then reports nothing. */
#include "check.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { LARGE = 8000, SMALL = 3000 };

static void exhaust(void) {
    struct rlimit none = {1 << 20, 1 << 20};
    CHECK_EQUAL(setrlimit(RLIMIT_AS, &none), 0);
    while (malloc(SMALL) != NULL) continue;
}

int main(void) {
    void (*free_sized)(void *, size_t) =
        (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    CHECK(free_sized != NULL);
    char *block = malloc(LARGE);
    memset(block, 1, LARGE);
    exhaust();
    char *volatile shrunk = realloc(block, SMALL);
    CHECK(shrunk == block && shrunk[SMALL - 1] == 1);
    free_sized(shrunk, SMALL);
}
