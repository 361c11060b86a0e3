/*
 * With randomize=on blocks do not follow one another in memory, neither within a slab nor from slab
 * to slab.
 *     randomize on|off
 */
#include "check.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { BLOCKS = 20000, BYTES = 64, GRANULE = 65536, FEW = BLOCKS / 20, MANY = BLOCKS / 2 };

static char *blocks[BLOCKS];

static size_t in_sequence(void) {
    size_t count = 0;
    for (size_t i = 1; i < BLOCKS; i++) count += blocks[i] - blocks[i - 1] == BYTES;
    return count;
}

static uintptr_t granule(const char *p) { return (uintptr_t)p / GRANULE; }

/* Counts how often the slab changes from one block to the next, and how often to the next slab in
 * memory. */
static void count_slabs(size_t *changes, size_t *neighbours) {
    *changes = *neighbours = 0;
    for (size_t i = 1; i < BLOCKS; i++) {
        if (granule(blocks[i]) == granule(blocks[i - 1])) continue;
        ++*changes;
        *neighbours += granule(blocks[i]) == granule(blocks[i - 1]) + 1;
    }
}

/* calloc must zero used slots in any order. */
static void blocks_are_cleared(void) {
    for (size_t i = 0; i < BLOCKS; i++) {
        memset(blocks[i], 0xff, BYTES);
        free(blocks[i]);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = calloc(1, BYTES);
        for (size_t at = 0; at < BYTES; at++) CHECK(blocks[i][at] == 0);
    }
}

int main(int argc, char **argv) {
    bool on = argc == 2 && strcmp(argv[1], "on") == 0;
    size_t changes, neighbours;
    for (size_t i = 0; i < BLOCKS; i++) CHECK((blocks[i] = malloc(BYTES)) != NULL);
    count_slabs(&changes, &neighbours);
    CHECK(on ? in_sequence() < FEW : in_sequence() > MANY);
    CHECK(changes >= BLOCKS * BYTES / GRANULE - 1);
    CHECK(on ? neighbours < changes / 2 : neighbours > changes / 2);
    blocks_are_cleared();
    return 0;
}
