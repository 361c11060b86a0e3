/* The lists of operations of mallow-replay's threads, while they are written. */
#ifndef MALLOW_REPLAY_LISTS_H
#define MALLOW_REPLAY_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/replay_layout.h"

struct replay_list {
    uint64_t first_chunk;
    uint64_t at;   /* of the next word, in the chunks */
    uint64_t done; /* calls */
    uint32_t first_epoch, last_epoch;
    bool is_active; /* in this epoch */
    bool ends;      /* with this epoch */
};

struct replay_lists {
    int file; /* the head, and then the chunks */
    char *map;
    size_t bytes;
    uint32_t chunks;
    struct replay_list *lists;
    size_t count;
    uint32_t *active; /* lists in this epoch, without the first */
    size_t actives;
    struct replay_epoch *epochs;
    size_t epochs_count;
};

/* Where the chunks begin in the file. */
#define REPLAY_CHUNKS_AT 8192u

void replay_lists_open(struct replay_lists *lists);

/* Adds a list for a thread that begins in this epoch, and returns its number. The first one belongs
 * to the thread that ends all epochs. */
uint32_t replay_lists_add(struct replay_lists *lists);

/* Appends an operation. */
void replay_lists_put(struct replay_lists *lists, uint32_t list, uint64_t word);

/* The list ends when the epoch ends. The first one does not end before all others. */
void replay_lists_end(struct replay_lists *lists, uint32_t list);

/* Ends the epoch, which took until that time. */
void replay_lists_end_epoch(struct replay_lists *lists, uint64_t time);

/* Ends all lists together with the epoch. */
void replay_lists_close(struct replay_lists *lists, uint64_t time);

#endif
