/* The functions that jemalloc(3) adds work together with the standard ones, as programs use
 * them. */
#include "check.h"
#include "pattern.h"

#include <dlfcn.h>
#include <malloc.h>
#include <string.h>

enum { ZERO = 0x40, ARENA = 1 << 20, CACHE = 2 << 8 };

static void *(*allocate)(size_t, int);
static void *(*resize)(void *, size_t, int);
static size_t (*resize_in_place)(void *, size_t, size_t, int);
static size_t (*usable)(const void *, int);
static void (*release)(void *, int);
static void (*release_sized)(void *, size_t, int);
static size_t (*usable_of)(size_t, int);

static void find(void *function, const char *name) {
    *(void **)function = dlsym(RTLD_DEFAULT, name);
    if (*(void **)function == NULL) check_failed("%s is not there\n", name);
}

static void check_clear(const char *block, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) CHECK_EQUAL(block[i], 0);
}

static void blocks_are_malloc_s(size_t size) {
    free(allocate(size, ARENA | CACHE));
    release(malloc(size), 0);
    char *block = allocate(size, 0);
    CHECK(malloc_usable_size(block) >= size && usable(block, 0) == malloc_usable_size(block));
    CHECK(usable_of(size, 0) >= size && usable_of(size, 0) <= malloc_usable_size(block));
    memset(block, 1, size);
    size_t possible = resize_in_place(block, 2 * size, 0, 0);
    CHECK(possible >= size && possible == malloc_usable_size(block));
    release_sized(block, size, 0);
}

static void content_survives(size_t size, int flags) {
    size_t align = (size_t)1 << (flags & 63);
    char *block = allocate(size, flags);
    CHECK_EQUAL((uintptr_t)block % align, 0);
    if (flags & ZERO) check_clear(block, 0, size);
    uint64_t key = pattern_key(block, size, 0);
    pattern_fill(block, size, key);
    size_t before = malloc_usable_size(block);
    memset(block + size, 0, before - size);
    block = resize(block, 3 * size, flags);
    CHECK_EQUAL((uintptr_t)block % align, 0);
    CHECK(pattern_holds(block, size, key));
    if (flags & ZERO) check_clear(block, size, 3 * size);
    block = resize(block, size / 2 + 1, flags);
    CHECK(pattern_holds(block, size / 2, key));
    release(block, flags);
}

int main(void) {
    find(&allocate, "mallocx");
    find(&resize, "rallocx");
    find(&resize_in_place, "xallocx");
    find(&usable, "sallocx");
    find(&release, "dallocx");
    find(&release_sized, "sdallocx");
    find(&usable_of, "nallocx");
    for (size_t size = 1; size < 3000000; size = size * 3 + 1) {
        blocks_are_malloc_s(size);
        for (int lg_align = 0; lg_align < 17; lg_align += 4) {
            content_survives(size, lg_align);
            content_survives(size, lg_align | ZERO);
        }
    }
    CHECK(allocate((size_t)PTRDIFF_MAX + 1, 0) == NULL);
    CHECK_EQUAL(usable_of((size_t)PTRDIFF_MAX + 1, 0), 0);
    void *block = allocate(100, 0);
    CHECK(resize(block, (size_t)PTRDIFF_MAX + 1, 0) == NULL);
    release(block, 0);
}
