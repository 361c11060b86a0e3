/* A block is freed twice. Afterwards, two allocations may return the same block. */
#include <malloc.h>

#include "wide.h"

static void immediate(size_t size, long how) {
    char *p = obtain(size);
    (void)how;
    release(p);
    free(p);
    profit(size);
}

static void same_between(size_t size, long how) {
    char *p = obtain(size);
    release(p);
    for (size_t i = 0; i < some(size, (size_t)how); i++) obtain(size);
    free(p);
    profit(size);
}

static void other_between(size_t size, long how) {
    char *p = obtain(size);
    release(p);
    for (size_t i = 0; i < some(size, (size_t)how); i++) obtain(size + size / 2);
    free(p);
    profit(size);
}

static void frees_between(size_t size, long how) {
    char *other[64];
    char *p = obtain(size);
    size_t count = some(size, (size_t)how);
    for (size_t i = 0; i < count; i++) other[i] = obtain(size);
    release(p);
    for (size_t i = 0; i < count; i++) release(other[i]);
    free(p);
    profit(size);
}

/* First frees enough blocks to fill a cache, so that both frees go to the layer below it. */
static void frees_before(size_t size, long how) {
    char *other[64];
    char *p = obtain(size);
    size_t count = some(size, (size_t)how);
    for (size_t i = 0; i < count; i++) other[i] = obtain(size);
    for (size_t i = 0; i < count; i++) release(other[i]);
    release(p);
    free(p);
    profit(size);
}

/* Overwrites the freed block's first words, where some allocators mark free blocks. */
static void mark_erased(size_t size, long how) {
    char *p = obtain(size);
    release(p);
    poke(p, 0, (size_t)how);
    free(p);
    profit(size);
}

static void stale_loop(size_t size, long how) {
    char *stale = obtain(size);
    release(stale);
    for (long i = 0; i < how; i++) {
        obtain(size);
        free(stale);
    }
    profit(size);
}

static void moved(size_t size, long how) {
    char *p = obtain(size);
    (void)how;
    if (outgrow(p, size) != p) free(p);
    profit(size);
}

static void resized_to_nothing(size_t size, long how) {
    char *p = obtain(size);
    (void)how;
    disown(p);
    if (realloc(p, 0) == NULL) free(p);
    profit(size);
}

static void resized_dead(size_t size, long how) {
    char *p = obtain(size);
    (void)how;
    release(p);
    owns(realloc(p, size), size);
    profit(size);
}

static void aligned(size_t size, long how) {
    char *p = memalign((size_t)how, size);
    free(p);
    free(p);
    profit(size);
}

static void deleted(size_t size, long how) {
    char *p = _Znwm(size);
    (void)how;
    _ZdlPv(p);
    _ZdlPv(p);
    profit(size);
}

static void sized(size_t size, long how) {
    char *p = obtain(size);
    (void)how;
    disown(p);
    free_with_size(p, size);
    free_with_size(p, size);
    profit(size);
}

static void *free_it(void *p) {
    free(p);
    return NULL;
}

static void by_thread(size_t size, long how) {
    char *p = obtain(size);
    disown(p);
    if (how == 0)
        free(p);
    else
        in_thread(free_it, p);
    in_thread(free_it, p);
    profit(size);
}

static void *obtain_it(void *block) {
    *(char **)block = malloc(*(size_t *)block);
    return NULL;
}

static void owner_exited(size_t size, long how) {
    union {
        size_t size;
        char *p;
    } block = {.size = size};
    (void)how;
    in_thread(obtain_it, &block);
    free(block.p);
    free(block.p);
    profit(size);
}

static void twice_here(size_t size, char *p) {
    free(p);
    free(p);
    profit(size);
}

static void child(size_t size, long how) {
    char *p = obtain(size);
    (void)how;
    disown(p);
    in_child(twice_here, size, p);
}

const struct misuse double_frees[] = {
    {"immediate", immediate, 0},
    {"one_same_between", same_between, 1},
    {"many_same_between", same_between, 64},
    {"one_other_between", other_between, 1},
    {"many_other_between", other_between, 64},
    {"one_free_between", frees_between, 1},
    {"many_frees_between", frees_between, 64},
    {"cache_full", frees_before, 8},
    {"mark_erased", mark_erased, 16},
    {"stale_loop", stale_loop, 8},
    {"moved", moved, 0},
    {"resized_to_nothing", resized_to_nothing, 0},
    {"resized_dead", resized_dead, 0},
    {"aligned", aligned, 4096},
    {"deleted", deleted, 0},
    {"sized", sized, 0},
    {"by_other_thread", by_thread, 0},
    {"by_two_threads", by_thread, 1},
    {"owner_exited", owner_exited, 0},
    {"in_child", child, 0},
    {0},
};
