/* Grows one block from 4 KiB to 1 GiB by doubling, and writes each new page once. */
#include <stdlib.h>

int main(void) {
    const size_t first = (size_t)4 << 10, last = (size_t)1 << 30, page = 4096;
    volatile char *bytes = NULL;
    size_t used = 0;
    for (size_t size = first; size <= last; size *= 2) {
        bytes = realloc((void *)bytes, size);
        if (!bytes) return 1;
        for (; used < size; used += page) bytes[used] = 1;
    }
    free((void *)bytes);
    return 0;
}
