/* A freed block contained a secret. It is a gain if the program can read it later. */
#define _GNU_SOURCE
#include <malloc.h>

#include "wide.h"

static const char secret[] = "a 32 byte secret of another user";
enum { LENGTH = sizeof secret - 1, WINDOW = 4096 };

static size_t window(size_t size) { return size < WINDOW ? size : WINDOW; }

static char *secret_block(size_t size) {
    char *p = obtain(size);
    for (size_t i = 0; i + LENGTH <= window(size); i += LENGTH) memcpy(p + i, secret, LENGTH);
    return p;
}

/* Half of the secret is enough, because some allocators write links into the first words. */
static void look(const char *p, size_t length) {
    if (p == NULL) return;
    if (memmem(p, window(length), secret + LENGTH / 2, LENGTH / 2) != NULL)
        gained("the secret was read");
}

static void freed(size_t size, long how) {
    char *p = secret_block(size);
    release(p);
    for (long i = 0; i < how; i++) release(obtain(size));
    touching();
    look(p, size);
    touched();
}

static void next(size_t size, long how) {
    release(secret_block(size));
    for (size_t i = 0; i < some(size, (size_t)how); i++) look(obtain(size), size);
}

static void next_other(size_t size, long how) {
    size_t other = how < 0 ? size / 2 : size + size / 2;
    release(secret_block(size));
    for (size_t i = 0; i < 4; i++) look(obtain(other), other);
}

static void cleared(size_t size, long how) {
    (void)how;
    release(secret_block(size));
    char *p = calloc(1, size);
    owns(p, size);
    look(p, size);
}

static void grown(size_t size, long how) {
    char *small = obtain(16);
    (void)how;
    release(secret_block(size));
    disown(small);
    small = realloc(small, size);
    owns(small, size);
    look(small, size);
}

static void moved(size_t size, long how) {
    char *p = secret_block(size);
    (void)how;
    if (outgrow(p, size) == p) return;
    touching();
    look(p, size);
    touched();
}

/* The bytes between the requested size and the usable size. */
static void rounding(size_t size, long how) {
    release(secret_block(size));
    char *p = obtain(size - (size_t)how);
    look(p, malloc_usable_size(p));
}

static void *other_thread(void *size) {
    char *p = obtain(*(size_t *)size);
    look(p, *(size_t *)size);
    return NULL;
}

static void in_other_thread(size_t size, long how) {
    (void)how;
    release(secret_block(size));
    in_thread(other_thread, &size);
}

const struct misuse stale_data[] = {
    {"freed", freed, 0},
    {"next", next, 1},
    {"next_smaller", next_other, -1},
    {"next_larger", next_other, 1},
    {"cleared", cleared, 0},
    {"grown", grown, 0},
    {"moved", moved, 0},
    {"rounding", rounding, 9},
    {"other_thread", in_other_thread, 0},
    {0},
};
