/*
 * Large blocks grow until they have to move to fresh pages. Their content moves with them, even if
 * the program has lowered its address space limit below its current size, and the process does not
 * accumulate mappings.
 */
#include "check.h"
#include "pattern.h"
#include "random.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define MEBIBYTE ((size_t)1 << 20)
enum { BLOCKS = 64, STEPS = 8000, MAPPINGS_MAX = 200 };

static int count_mappings(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps != NULL);
    int count = 0;
    for (int c = getc(maps); c != EOF; c = getc(maps)) count += c == '\n';
    fclose(maps);
    return count;
}

/* After this, smaller blocks are runs of pages and not separate mappings. */
static void raise_mapping_threshold(void) { free(malloc(32 * MEBIBYTE)); }

static void grow_many(void) {
    static struct {
        char *start;
        size_t bytes;
    } blocks[BLOCKS];
    uint64_t seed = 1;
    for (int i = 0; i < STEPS; i++) {
        size_t at = random_below(&seed, BLOCKS), before = blocks[at].bytes;
        if (before > 3 * MEBIBYTE) {
            free(blocks[at].start);
            blocks[at].start = NULL;
            before = 0;
        }
        size_t bytes = before + (300 << 10) + random_below(&seed, 64 << 10);
        char *grown = realloc(blocks[at].start, bytes);
        CHECK(grown != NULL);
        CHECK(before == 0 || grown[before - 1] == (char)before);
        grown[bytes - 1] = (char)bytes;
        blocks[at].start = grown;
        blocks[at].bytes = bytes;
    }
    CHECK(count_mappings() < MAPPINGS_MAX);
    for (int i = 0; i < BLOCKS; i++) free(blocks[i].start);
}

static void grow_above_the_limit(void) {
    char *block = malloc(MEBIBYTE), *wall;
    uint64_t key = pattern_key(block, MEBIBYTE, 1);
    pattern_fill(block, MEBIBYTE, key);
    do { /* until the pages after the block are taken */
        wall = malloc(64 << 10);
        CHECK(wall != NULL);
    } while (wall != block + MEBIBYTE && wall < block + 2 * MEBIBYTE && wall > block);
    malloc_trim(0);
    struct rlimit limit, lowered;
    CHECK_EQUAL(getrlimit(RLIMIT_AS, &limit), 0);
    lowered = limit;
    lowered.rlim_cur = 16 * MEBIBYTE;
    CHECK_EQUAL(setrlimit(RLIMIT_AS, &lowered), 0);
    char *grown = realloc(block, 3 * MEBIBYTE);
    CHECK_EQUAL(setrlimit(RLIMIT_AS, &limit), 0);
    CHECK(pattern_holds(grown != NULL ? grown : block, MEBIBYTE, key));
    free(grown != NULL ? grown : block);
}

int main(void) {
    raise_mapping_threshold();
    /* Leaves free pages, which the growing block can move to. */
    char *room = malloc(24 * MEBIBYTE);
    room = realloc(room, MEBIBYTE);
    grow_above_the_limit();
    free(room);
    grow_many();
}
