/* Nothing: arrays take many steps, because they begin small, and each step is a large one. */
#include "program.h"

static NOINLINE void *grow(void *block, size_t size) { return realloc(block, size); }

int main(void) {
    static char *kept[64];
    for (int i = 0; i < 5000; i++) {
        char **block = &kept[i * 7 % 64];
        free(*block);
        *block = NULL;
        for (size_t size = 16; size <= 40000; size += size / 2) {
            *block = grow(*block, size);
            use(*block, size);
        }
    }
    return 0;
}
