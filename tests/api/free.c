/* free(3), cfree, and C23's free_sized and free_aligned_sized free any block, accept NULL, and
 * leave errno unchanged. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

typedef void free_function(void *);

static void frees_any_size(free_function *function) {
    errno = 4711;
    function(NULL);
    for (size_t size = 0; size < (size_t)1 << 28; size += size / 2 + 1) {
        function(malloc(size));
        function(memalign(4096, size));
    }
    CHECK_EQUAL(errno, 4711);
}

static void with_size(void *block) {
    void (*free_sized)(void *, size_t) =
        (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    free_sized(block, malloc_usable_size(block));
}

static void with_alignment_and_size(void *block) {
    void (*free_aligned_sized)(void *, size_t, size_t) =
        (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
    free_aligned_sized(block, 16, malloc_usable_size(block));
}

/* The program frees blocks that libc allocates for it. */
static void blocks_of_libc(void) {
    char *text = strdup("a copy");
    free(text);
    CHECK(asprintf(&text, "%d", 4711) > 0);
    free(text);
    free(realpath("/", NULL));
}

int main(void) {
    frees_any_size(free);
    if (running_on_mallow()) { /* libc does not have them, or only for old programs */
        frees_any_size((free_function *)dlsym(RTLD_DEFAULT, "cfree"));
        frees_any_size(with_size);
        frees_any_size(with_alignment_and_size);
    }
    blocks_of_libc();
}
