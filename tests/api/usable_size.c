/* Every byte of malloc_usable_size(3) may be written and belongs to no other block. */
#include "check.h"
#include "pattern.h"

#include <malloc.h>

enum { COUNT = 40 };

static void neighbours_keep_apart(size_t size) {
    void *blocks[COUNT];
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = i % 3 == 0 ? memalign(64, size) : malloc(size);
        size_t usable = malloc_usable_size(blocks[i]);
        CHECK(usable >= size);
        pattern_fill(blocks[i], usable, pattern_key(blocks[i], usable, 0));
    }
    for (int i = 0; i < COUNT; i++) {
        size_t usable = malloc_usable_size(blocks[i]);
        CHECK(pattern_holds(blocks[i], usable, pattern_key(blocks[i], usable, 0)));
        free(blocks[i]);
    }
}

int main(void) {
    CHECK_EQUAL(malloc_usable_size(NULL), 0);
    for (size_t size = 1; size < 500000; size += size / 3 + 1) neighbours_keep_apart(size);
}
