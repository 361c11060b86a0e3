/* Nothing: blocks are filled with ones or cleared in part, products are checked or a
 * part of a sum, and other memory
 * than the freed block is wiped. */
#include "program.h"

static NOINLINE void *xmalloc(size_t size) {
    void *block = malloc(size);
    if (block == NULL) abort();
    return block;
}

static NOINLINE char *filled(size_t size) {
    char *block = xmalloc(size);
    memset(block, 1, size);
    keep(block);
    return block;
}

static NOINLINE char *partly(size_t size) {
    char *block = xmalloc(size);
    memset(block, 0, size / 2);
    keep(block);
    return block;
}

static NOINLINE void *checked(void *block, size_t count) { return reallocarray(block, count, 24); }

static NOINLINE void *same(size_t count) { return malloc(count * 24); }

struct list {
    size_t count;
    long items[];
};

static NOINLINE void *flexible(size_t count) {
    struct list *list = malloc(sizeof *list + count * sizeof *list->items);
    use(list, sizeof *list);
    return list;
}

static NOINLINE void wipe(char *key, char *block) {
    explicit_bzero(key, 32);
    free(block);
}

int main(void) {
    static char *blocks[80];
    static char key[32];
    static volatile size_t step = 3; /* unknown to the compiler, which otherwise calls no memset */
    void *array = NULL;
    for (size_t i = 0; i < 20; i++) {
        blocks[i] = filled(1000 + i * step);
        blocks[20 + i] = partly(1000 + i * step);
        blocks[40 + i] = same(10);
        blocks[60 + i] = flexible(i);
        array = checked(array, 1 + i * 37 % 30);
        use(array, 1);
    }
    for (size_t i = 0; i < 80; i++) wipe(key, blocks[i]);
    return 0;
}
