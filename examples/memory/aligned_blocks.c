/* Allocates blocks with an alignment: for vector instructions and cache lines, and for calls that
 * work on whole pages. malloc aligns to 16 bytes, which is enough for every ordinary type.
 *
 *     $ aligned_blocks
 *     malloc: aligned to at least 16 bytes
 *     aligned_alloc: aligned to at least 64 bytes, the sum of 1024 floats is 523776
 *     aligned_alloc: aligned to at least one page
 *     mprotect of one page: Success
 *     mprotect of the same page, 16 bytes later: Invalid argument
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef float vector __attribute__((vector_size(32)));

static int is_aligned(const void *block, size_t alignment) {
    return (uintptr_t)block % alignment == 0;
}

static void show_malloc(void) {
    char *block = malloc(100);
    if (block == NULL || !is_aligned(block, 16)) exit(1);
    printf("malloc: aligned to at least 16 bytes\n");
    free(block);
}

/* The compiler may load a vector with an instruction that faults if the address is not aligned. The
 * alignment of a cache line also keeps the block apart from data that other threads write. */
static void show_vectors(void) {
    enum { FLOATS = 1024, LANES = sizeof(vector) / sizeof(float) };
    vector *vectors = aligned_alloc(64, FLOATS * sizeof(float));
    if (vectors == NULL || !is_aligned(vectors, 64)) exit(1);
    vector sum = {0};
    for (int i = 0; i < FLOATS; i++) vectors[i / LANES][i % LANES] = (float)i;
    for (int i = 0; i < FLOATS / LANES; i++) sum += vectors[i];
    float total = 0;
    for (int i = 0; i < LANES; i++) total += sum[i];
    printf("aligned_alloc: aligned to at least 64 bytes, the sum of %d floats is %.0f\n", FLOATS,
           (double)total);
    free(vectors);
}

/* The page must be writable again before it is freed. */
static void show_pages(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *block = aligned_alloc(page, 2 * page);
    if (block == NULL || !is_aligned(block, page)) exit(1);
    printf("aligned_alloc: aligned to at least one page\n");
    errno = 0;
    mprotect(block, page, PROT_READ);
    printf("mprotect of one page: %s\n", strerror(errno));
    mprotect(block, page, PROT_READ | PROT_WRITE);
    mprotect(block + 16, page, PROT_READ);
    printf("mprotect of the same page, 16 bytes later: %s\n", strerror(errno));
    free(block);
}

int main(void) {
    show_malloc();
    show_vectors();
    show_pages();
}
