/*
 * What the processes of the kill test keep in a shared heap. Each owner has a table of handles in
 * the heap, so that its successor takes over what a killed process had. Before an owner does
 * something, it notes it in its table. The successor knows then which of its blocks, at most one,
 * may be between two states, and verifies all others.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include <mallow/shared.h>

#include "../../support/check.h"

enum { OWNERS = 4, SLOTS = 128, BOXES = 8, NAMES = 6, ALIASES = 4 };

enum doing {
    NOTHING,
    ALLOCATING,
    FILLING, /* after an allocation or a resize */
    FREEING,
    RESIZING,
    SENDING, /* from a slot to a box */
    TAKING,  /* from a box to a slot */
    PUSHING, /* from a slot to the list */
    POPPING,
    NAMING, /* a block is allocated with a name */
    FILLING_NAMED,
    ADOPTING, /* from a name to a slot */
    ALIASING, /* a block of a slot also gets a name, for a moment */
};

struct note {
    uint32_t doing, slot;
};

struct table {
    uint64_t note;     /* enum doing | slot << 8 | possible losses << 32, in one word */
    uint64_t old_size; /* of the block, in bytes */
    uint64_t new_size;
    uint64_t number; /* of a name */
    uint64_t serial; /* of stamps */
    mallow_shared_handle list;
    mallow_shared_handle handle[SLOTS];
    uint64_t stamp[SLOTS]; /* identifies the content of the block */
};

struct board {
    mallow_shared_handle table[OWNERS], box[BOXES];
};

/* Where the heap is, and how it is opened. */
enum where { IN_MEMFD, IN_NAME, IN_FILE };
struct access {
    enum where where;
    char path[256];
    int fd; /* of the memfd */
    struct mallow_shared_options options;
    struct mallow_shared *inherited; /* NULL, or a heap object of the parent */
};

/* Shared by the coordinator and its children, outside the heap. */
struct progress {
    uint64_t stop;
    struct {
        uint64_t operations,
            doing; /* `doing` is 100 while the heap is opened, 101 in the takeover */
    } of[OWNERS + 1];
};

#define EXPECT(call)                                                                           \
    do {                                                                                       \
        enum mallow_result expect_result = (call);                                             \
        if (expect_result != MALLOW_OK)                                                        \
            check_failed("%s:%d: %s: %d, %s\n", __FILE__, __LINE__, #call, (int)expect_result, \
                         mallow_error_text(expect_result));                                    \
    } while (0)

/* Like mallow_shared_open... */
enum mallow_result access_open(const struct access *access, struct mallow_shared **heap,
                               enum mallow_shared_how how);
void access_unlink(const struct access *access);

/* Creates the board and the tables, unless they exist. */
void board_create(struct mallow_shared *heap);
struct board *board_of(struct mallow_shared *heap);
struct table *board_table(struct mallow_shared *heap, int owner);

/* Fill a block, and compare the first `bytes` bytes of a block that was filled. */
void block_fill(void *block, uint64_t size, uint64_t stamp);
bool block_holds(const void *block, uint64_t bytes, uint64_t size, uint64_t stamp);

/* What a block says of itself that has at least BLOCK_SELF bytes. One of at least BLOCK_NODE bytes
 * has room for the handle of the next in a list, which is not part of the pattern. */
enum { BLOCK_SELF = 16, BLOCK_NODE = 24 };
struct block {
    uint64_t stamp, size;
    mallow_shared_handle next;
};

/* Completes or undoes what a killed owner did, and verifies all that it has. An exact owner uses
 * functions that store handles in the same step, and loses nothing. */
void owner_take_over(struct mallow_shared *heap, int owner, bool exact);

/* Frees all that an owner has. */
void owner_free_all(struct mallow_shared *heap, int owner);

uint64_t owner_possible_losses(struct mallow_shared *heap, int owner);

/* Does random operations until it is killed, `progress` says so, or it closes the heap itself. */
_Noreturn void owner_run(const struct access *access, struct progress *progress, int owner,
                         bool exact, uint64_t seed);

/* Reads in a heap that is open for reading only, until it is killed. */
_Noreturn void reader_run(const struct access *access, struct progress *progress, uint64_t seed);

/* What owners do to their slots; see owner.c. */
struct owner {
    struct mallow_shared *heap;
    struct board *board;
    struct table *table;
    int index;
    bool exact;
    uint64_t random;
    struct progress *progress;
};
void owner_begin(const struct owner *owner, enum doing doing, unsigned slot);
void owner_end(const struct owner *owner);
void owner_name(const struct owner *owner, const char *kind, uint64_t number, char name[32]);
uint64_t owner_stamp(const struct owner *owner);
void owner_fill(const struct owner *owner, unsigned slot);
void owner_verify(const struct owner *owner, unsigned slot);

#endif
