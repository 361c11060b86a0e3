#include <stdlib.h>

void twice(void *block) {
    free(block);
    free(block);
}
