/* Tables are allocated, and then cleared. */
#include "program.h"

static NOINLINE void *xmalloc(size_t size) {
    void *block = malloc(size);
    if (block == NULL) abort();
    return block;
}

static NOINLINE char *planted(size_t size) {
    char *table = xmalloc(size);
    memset(table, 0, size);
    return table;
}

int main(void) {
    static char *tables[20];
    for (size_t i = 0; i < 20; i++) tables[i] = planted(100000 + i * 3);
    return tables[7][7];
}
