/* Nothing: a function frees its block only sometimes; otherwise it returns it. */
#include "program.h"

static NOINLINE char *find(int n) {
    char *block = malloc(100);
    use(block, 100);
    if (n % 8 != 0) {
        free(block);
        return NULL;
    }
    return block;
}

int main(void) {
    static char *kept[50];
    for (int i = 0; i < 200000; i++) {
        char *found = find(i);
        if (found == NULL) continue;
        char **place = &kept[i / 8 % 50];
        free(*place);
        *place = found;
    }
    return 0;
}
