/* An address that is not the start of a block is freed. Then part of a live block, or memory that
 * is not the allocator's, may be handed out. */
#include <malloc.h>
#include <stdio.h>
#include <sys/mman.h>

#include "wide.h"

static void inside(size_t size, long offset) {
    char *p = obtain(size);
    obtain(size);
    free(p + offset);
    profit(size);
}

static void middle(size_t size, long how) {
    (void)how;
    inside(size, (long)(size / 2));
}

static void last(size_t size, long how) { inside(size, (long)size - how); }

static void end(size_t size, long how) {
    char *p = obtain(size);
    size_t usable = malloc_usable_size(p);
    if (usable < size) usable = size;
    free(p + usable + how);
    profit(size);
}

/* An address inside a block, after data that looks like a header of libc's malloc. */
static void header_inside(size_t size, long how) {
    char *p = obtain(size);
    uintptr_t header[2] = {0, (size - 32) | 1};
    (void)how;
    memcpy(p + 16, header, sizeof header);
    free(p + 32);
    profit(size - 48);
}

/* A fake header outside the heap. */
static _Alignas(4096) char static_chunk[8192 + 4096] = {1};

static void fake_chunk(char *chunk, size_t size) {
    uintptr_t header[2] = {0, (size < 4096 ? size + 16 : 4096) | 1};
    memcpy(chunk, header, sizeof header);
    header[1] = 0x20d51;
    memcpy(chunk + (size < 4096 ? size + 16 : 4096), header, sizeof header);
    owns(chunk + 16, 64);
    free(chunk + 16);
    profit(size);
}

static void header_static(size_t size, long how) {
    (void)how;
    fake_chunk(static_chunk, size);
}

static void header_stack(size_t size, long how) {
    _Alignas(16) char chunk[8192];
    (void)how;
    fake_chunk(chunk, size);
}

/* ---- addresses outside the heap ---- */

enum foreign { STACK, STATIC, CODE, STREAM, MAPPING };

static _Alignas(16) char some_data[64] = "data";

static void *foreign(enum foreign what, char *on_stack) {
    char *mapping = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    switch (what) {
    case STACK:
        return on_stack;
    case STATIC:
        return some_data;
    case CODE:
        return (void *)foreign;
    case STREAM:
        return stdout;
    case MAPPING:
        return mapping;
    }
    return NULL;
}

static void free_foreign(size_t size, long how) {
    _Alignas(16) char on_stack[64] = {0};
    char *p = obtain(size);
    char *bad = foreign((enum foreign)how, on_stack);
    owns(bad, 16);
    free(bad);
    profit(size);
    release(p);
}

static void wild(size_t size, long how) {
    obtain(size);
    free((void *)how);
    profit(size);
}

/* An address near a block, where the allocator has memory but no block. */
static void never_allocated(size_t size, long how) {
    char *p = obtain(size);
    free((char *)(((uintptr_t)p + 3 * size + (size_t)how) & ~(uintptr_t)15));
    profit(size);
}

static void resize_inside(size_t size, long offset) {
    char *p = obtain(size);
    char *q = realloc(p + offset, size);
    owns(q, q == p + offset ? 0 : size);
    profit(size);
}

static void delete_inside(size_t size, long offset) {
    char *p = _Znwm(size);
    owns(p, size);
    _ZdlPv(p + offset);
    profit(size);
}

const struct misuse invalid_frees[] = {
    {"inside_1", inside, 1},
    {"inside_8", inside, 8},
    {"inside_16", inside, 16},
    {"middle", middle, 0},
    {"last_16", last, 16},
    {"end", end, 0},
    {"before_16", inside, -16},
    {"before_8", inside, -8},
    {"header_inside", header_inside, 0},
    {"header_static", header_static, 0},
    {"header_stack", header_stack, 0},
    {"stack", free_foreign, STACK},
    {"static", free_foreign, STATIC},
    {"code", free_foreign, CODE},
    {"stream", free_foreign, STREAM},
    {"mapping", free_foreign, MAPPING},
    {"wild_pattern", wild, 0x4141414141414140},
    {"never_allocated", never_allocated, 0},
    {"resize_inside", resize_inside, 16},
    {"delete_inside", delete_inside, 16},
    {0},
};
