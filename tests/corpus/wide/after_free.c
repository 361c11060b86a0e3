/* A freed block is written or read, before or after it is handed out again. */
#include "wide.h"

static void check_hit(const char *p, size_t length) {
    if (hits_live(p, length, NULL)) gained("another block was reached by a stale pointer");
}

static void write_reused(size_t size, long how) {
    char *p = obtain(size);
    release(p);
    for (size_t i = 0; i < some(size, (size_t)how); i++) obtain(size);
    poke(p, 'x', 16);
    check_hit(p, 16);
    profit(size);
}

static void read_reused(size_t size, long how) {
    char *p = obtain(size);
    release(p);
    for (size_t i = 0; i < some(size, (size_t)how); i++) obtain(size);
    touching();
    volatile char c = p[8];
    touched();
    (void)c;
    check_hit(p, 16);
}

static void write_old(size_t size, long how) {
    char *p = obtain(size);
    (void)how;
    if (outgrow(p, size) == p) return;
    obtain(size);
    poke(p, 'x', 16);
    check_hit(p, 16);
    profit(size);
}

/* Data that is written to a free block is visible to its next owner, at worst in a calloc block. */
static void plant(size_t size, long offset, bool clear) {
    char *p = obtain(size);
    size_t at = offset < 0 ? size - (size_t)-offset : (size_t)offset;
    release(p);
    poke(p + at, 'x', 8);
    for (size_t i = 0; i < some(size, 16); i++) {
        char *q = clear ? calloc(1, size) : malloc(size);
        owns(q, size);
        if (q != NULL && memcmp(q + at, "xxxxxxxx", 8) == 0) gained("planted data was handed out");
    }
}

static void plant_any(size_t size, long offset) { plant(size, offset, false); }
static void plant_clear(size_t size, long offset) { plant(size, offset, true); }

static void *release_it(void *p) {
    release(p);
    return NULL;
}

static void write_freed_elsewhere(size_t size, long how) {
    char *p = obtain(size);
    (void)how;
    in_thread(release_it, p);
    for (size_t i = 0; i < 4; i++) obtain(size);
    poke(p, 'x', 16);
    check_hit(p, 16);
    profit(size);
}

const struct misuse uses_after_free[] = {
    {"write_reused", write_reused, 1},
    {"write_reused_64", write_reused, 64},
    {"read_reused", read_reused, 1},
    {"write_old", write_old, 0},
    {"write_freed_elsewhere", write_freed_elsewhere, 0},
    {"plant_first", plant_any, 0},
    {"plant_second", plant_any, 8},
    {"plant_later", plant_any, 32},
    {"plant_calloc", plant_clear, 32},
    {0},
};
