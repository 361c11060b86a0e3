/* The names by which other libraries call libc's own functions use the same heap. */
#define _GNU_SOURCE
#include "check.h"

#include <malloc.h>
#include <stdint.h>
#include <string.h>

#define LIBC(type, name) ((type)dlsym(RTLD_DEFAULT, name))

typedef void *one_size(size_t);
typedef void *two_sizes(size_t, size_t);
typedef void release(void *);

static void check_block(void *block, size_t alignment, size_t size) {
    CHECK(block != NULL);
    CHECK_EQUAL((uintptr_t)block % alignment, 0);
    CHECK(malloc_usable_size(block) >= size);
    memset(block, 1, size);
    free(block);
}

int main(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    check_block(LIBC(one_size *, "__libc_malloc")(100), 16, 100);
    check_block(LIBC(two_sizes *, "__libc_calloc")(10, 10), 16, 100);
    check_block(LIBC(two_sizes *, "__libc_memalign")(256, 100), 256, 100);
    check_block(LIBC(one_size *, "__libc_valloc")(100), page, 100);
    check_block(LIBC(one_size *, "__libc_pvalloc")(100), page, page);
    check_block(LIBC(void *(*)(void *, size_t), "__libc_realloc")(malloc(10), 100), 16, 100);
    check_block(LIBC(void *(*)(void *, size_t, size_t), "__libc_reallocarray")(malloc(10), 10, 10),
                16, 100);
    LIBC(release *, "__libc_free")(malloc(100));
    CHECK_EQUAL(LIBC(int (*)(int, int), "__libc_mallopt")(M_TOP_PAD, 0), 1);
    void *block = malloc(100);
    CHECK(LIBC(struct mallinfo(*)(void), "__libc_mallinfo")().uordblks >= 100);
    free(block);
}
