/* Nothing: a function frees most of its blocks, and its caller frees the others soon. */
#include "program.h"

static NOINLINE char *find(int n) {
    char *block = malloc(100);
    use(block, 100);
    if (n % 8 == 0) return block;
    free(block);
    return NULL;
}

int main(void) {
    for (int i = 0; i < 200000; i++) free(find(i));
    return 0;
}
