/* A key is wiped before it is freed. */
#include "program.h"

static NOINLINE char *planted(void) { return malloc(32); }

static NOINLINE void drop(char *key) {
    explicit_bzero(key, 32);
    free(key);
}

int main(void) {
    char *key = planted();
    use(key, 32);
    drop(key);
    return 0;
}
