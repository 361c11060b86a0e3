/* Nothing: containers double, but each of them is small. */
#include "program.h"

static NOINLINE char *grow(char *items, size_t bytes) {
    char *more = malloc(bytes * 2);
    memcpy(more, items, bytes);
    free(items);
    return more;
}

int main(void) {
    static char *containers[8];
    for (int i = 0; i < 8; i++) {
        size_t bytes = 24;
        containers[i] = malloc(bytes);
        for (; bytes < 700000; bytes *= 2) {
            use(containers[i], bytes);
            containers[i] = grow(containers[i], bytes);
        }
    }
    return containers[7][0] != 1;
}
