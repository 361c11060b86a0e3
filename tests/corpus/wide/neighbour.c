/* Accesses beyond the ends of a block, which may reach another block. Then all blocks are freed. */
#include <malloc.h>

#include "wide.h"

enum { MOST = 16 };

struct row {
    char *block[MOST];
    size_t count;
};

static char *row_make(struct row *row, size_t size) {
    row->count = some(size, MOST);
    for (size_t i = 0; i < row->count; i++) {
        row->block[i] = obtain(size);
        memset(row->block[i], 'n', size < 4096 ? size : 4096);
    }
    return row->block[row->count / 2];
}

static void row_free(struct row *row) {
    for (size_t i = 0; i < row->count; i++) release(row->block[i]);
}

static void tamper(char *victim, char *from, size_t length, char value) {
    poke(from, value, length);
    if (hits_live(from, length, victim)) gained("another block was changed");
}

static void overflow(size_t size, long how) {
    struct row row;
    char *p = row_make(&row, size);
    tamper(p, p + size, (size_t)how, 'x');
    row_free(&row);
    profit(size);
}

static void overflow_whole(size_t size, long how) {
    overflow(size, (long)(how * (long)(size < 65536 ? size : 65536)));
}

static void overflow_zero(size_t size, long how) {
    struct row row;
    char *p = row_make(&row, size);
    (void)how;
    tamper(p, p + malloc_usable_size(p), 1, 0);
    row_free(&row);
    profit(size);
}

static void underflow(size_t size, long how) {
    struct row row;
    char *p = row_make(&row, size);
    tamper(p, p - how, (size_t)how, 'x');
    row_free(&row);
    profit(size);
}

static void underflow_whole(size_t size, long how) {
    underflow(size, (long)(how * (long)(size < 65536 ? size : 65536)));
}

/* A wrong index: the access skips the bytes right after the block. */
static void jump(size_t size, long how) {
    struct row row;
    char *p = row_make(&row, size);
    tamper(p, p + (long)(size + size / 4) * how, 8, 'x');
    row_free(&row);
    profit(size);
}

/* Copies the bytes after another block, which may be a canary, to the end of this one. */
static void canary_copied(size_t size, long how) {
    struct row row;
    char *p = row_make(&row, size), *other = row.block[0];
    char canary[64];
    size_t length = (size_t)how;
    touching();
    memcpy(canary, other + size, length);
    memcpy(p + size, canary, length);
    touched();
    if (hits_live(p + size, length, p)) gained("another block was changed");
    row_free(&row);
    profit(size);
}

static void read_beyond(size_t size, long how) {
    struct row row;
    char *p = row_make(&row, size);
    volatile char sum = 0;
    char *from = how < 0 ? p + how : p + size;
    size_t length = (size_t)(how < 0 ? -how : how);
    touching();
    for (size_t i = 0; i < length; i++) sum ^= from[i];
    touched();
    if (hits_live(from, length, p)) gained("another block was read");
    row_free(&row);
}

/* An aligned block, whose end is not the end of its size class. */
static void overflow_aligned(size_t size, long how) {
    char *p = memalign(4096, size - 24);
    owns(p, size - 24);
    tamper(p, p + size - 24, (size_t)how, 'x');
    release(p);
    profit(size);
}

const struct misuse neighbours[] = {
    {"overflow_1", overflow, 1},
    {"overflow_8", overflow, 8},
    {"overflow_64", overflow, 64},
    {"overflow_whole", overflow_whole, 1},
    {"overflow_zero", overflow_zero, 0},
    {"overflow_aligned", overflow_aligned, 8},
    {"underflow_1", underflow, 1},
    {"underflow_8", underflow, 8},
    {"underflow_64", underflow, 64},
    {"underflow_whole", underflow_whole, 1},
    {"jump", jump, 1},
    {"canary_copied", canary_copied, 8},
    {"read_64", read_beyond, 64},
    {"read_before", read_beyond, -64},
    {0},
};
