/* All programs except "none" have one error, which AddressSanitizer and valgrind must report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mallow/arena.h"

static struct mallow_arena *arena;

static char volatile seen;

static void no_error(void) {
    struct mallow_arena_position mark = mallow_arena_mark(arena);
    for (int round = 0; round < 3; round++) {
        char *text = NULL;
        size_t size = 0;
        for (int i = 0; i < 2000; i++) {
            text = mallow_arena_resize(arena, text, size, size + 50);
            memset(text + size, 1, 50);
            size += 50;
            memset(mallow_arena_zalloc(arena, (size_t)i), 1, (size_t)i);
        }
        mallow_arena_release(arena, mark);
    }
    char *grows = NULL;
    for (size_t bytes = 0; bytes < 3000000; bytes += 100)
        grows = mallow_arena_resize(arena, grows, bytes, bytes + 100);
}

static void read_after_a_block(void) {
    char *block = mallow_arena_zalloc(arena, 20);
    mallow_arena_zalloc(arena, 20);
    seen = block[20];
}

static void read_before_a_block(void) {
    mallow_arena_zalloc(arena, 20);
    char *block = mallow_arena_zalloc(arena, 20);
    seen = block[-1];
}

static void read_before_the_first_block(void) {
    struct mallow_arena *child = mallow_arena_create(arena);
    char *block = mallow_arena_zalloc(child, 20);
    seen = block[-1];
}

static void read_after_a_text(void) {
    char *text = mallow_arena_strdup(arena, "text");
    mallow_arena_strdup(arena, "text");
    seen = text[5];
}

static void read_a_released_block(void) {
    struct mallow_arena_position mark = mallow_arena_mark(arena);
    char *block = mallow_arena_zalloc(arena, 20);
    mallow_arena_release(arena, mark);
    seen = block[0];
}

static void read_a_block_of_a_destroyed_arena(void) {
    struct mallow_arena *child = mallow_arena_create(arena);
    char *block = mallow_arena_zalloc(child, 20);
    mallow_arena_reset(arena);
    seen = block[0];
}

static void read_what_a_resize_left(void) {
    char *block = mallow_arena_zalloc(arena, 100);
    mallow_arena_resize(arena, block, 100, 50);
    seen = block[60];
}

static const struct {
    const char *name;
    void (*run)(void);
} programs[] = {
    {"none", no_error},
    {"after", read_after_a_block},
    {"before", read_before_a_block},
    {"first", read_before_the_first_block},
    {"text", read_after_a_text},
    {"released", read_a_released_block},
    {"destroyed", read_a_block_of_a_destroyed_arena},
    {"resized", read_what_a_resize_left},
};

int main(int argc, char **argv) {
    arena = mallow_arena_create(NULL);
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (argc == 2 && strcmp(argv[1], programs[i].name) == 0) programs[i].run();
    mallow_arena_destroy(arena);
}
