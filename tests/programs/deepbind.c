/*
 * A program and a library that is loaded with RTLD_DEEPBIND can resize and free each other's
 * blocks, although the library looks up names in libc first.
 *     deepbind LIBRARY from-library|to-library
 */
#include <dlfcn.h>
#include <err.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deepbind_library.h"

/* The allocation functions of one side. */
struct side {
    void *(*allocate)(size_t);
    char *(*duplicate)(const char *);
    void *(*resize)(void *, size_t);
    size_t (*usable_size)(void *);
    void (*release)(void *);
};

static const struct side program = {malloc, strdup, realloc, malloc_usable_size, free};

/* Small blocks, medium ones, and blocks with their own mapping. */
static const size_t sizes[] = {1, 24, 200, 3000, 40000, 300000, 5000000};

static void *function(void *library, const char *name) {
    void *address = dlsym(library, name);
    if (address == NULL) errx(1, "%s", dlerror());
    return address;
}

/* In POSIX, dlsym() returns functions as object pointers. */
#define FUNCTION(library, member, name) (*(void **)&(member) = function(library, name))

static struct side load(const char *path) {
    struct side side;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (library == NULL) errx(1, "%s", dlerror());
    FUNCTION(library, side.allocate, "library_allocate");
    FUNCTION(library, side.duplicate, "library_duplicate");
    FUNCTION(library, side.resize, "library_resize");
    FUNCTION(library, side.usable_size, "library_usable_size");
    FUNCTION(library, side.release, "library_free");
    return side;
}

static void require(bool condition, const char *what, size_t size) {
    if (!condition) errx(1, "%s: block of %zu bytes", what, size);
}

static bool filled(const char *block, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (block[i] != (char)(i * 7)) return false;
    }
    return true;
}

static char *allocate_filled(const struct side *side, size_t size) {
    char *block = side->allocate(size);
    require(block != NULL, "allocate", size);
    for (size_t i = 0; i < size; i++) block[i] = (char)(i * 7);
    return block;
}

static void hand_over(const struct side *from, const struct side *to) {
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t size = sizes[i];
        to->release(allocate_filled(from, size));

        char *block = allocate_filled(from, size);
        require(to->usable_size(block) >= size, "usable size", size);
        block = to->resize(block, 2 * size);
        require(block != NULL && filled(block, size), "grow", size);
        block = from->resize(block, size);
        require(block != NULL && filled(block, size), "shrink", size);
        to->release(block);

        require(to->resize(allocate_filled(from, size), 0) == NULL, "resize to 0", size);
    }
    to->release(from->duplicate("a string"));
}

int main(int argc, char **argv) {
    if (argc != 3) errx(2, "usage: deepbind LIBRARY from-library|to-library");
    struct side library = load(argv[1]);
    if (strcmp(argv[2], "from-library") == 0)
        hand_over(&library, &program);
    else
        hand_over(&program, &library);
    puts("handed over");
    return 0;
}
