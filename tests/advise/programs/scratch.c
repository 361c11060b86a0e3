/* Each call has blocks of different sizes for itself, and another function frees them. */
#include "program.h"

static NOINLINE void done(char *block) {
    use(block, 1);
    free(block);
}

static NOINLINE void planted(int n) {
    for (int i = 0; i < 4; i++) {
        size_t size = (size_t)(1 + (n * 31 + i * 7) % 3000);
        char *block = malloc(size);
        use(block, size);
        done(block);
    }
}

int main(void) {
    for (int i = 0; i < 50000; i++) planted(i);
    return 0;
}
