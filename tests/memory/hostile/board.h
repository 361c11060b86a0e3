/*
 * The data that the processes of the kill test keep in a shared heap. Each owner has a table of
 * handles in the heap, so that its successor can take over the blocks of a killed process. Before
 * an owner starts an operation, it notes the operation in its table. The successor therefore knows
 * which block may be between two states (at most one), and verifies all others.
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
    uint64_t old_size; /* size of the block before the operation, in bytes */
    uint64_t new_size;
    uint64_t number; /* number of a name */
    uint64_t serial; /* number of the next stamp */
    mallow_shared_handle list;
    mallow_shared_handle handle[SLOTS];
    uint64_t stamp[SLOTS]; /* identifies the content of the block */
};

struct board {
    mallow_shared_handle table[OWNERS], box[BOXES];
};

/* The kind of image that the heap has. */
enum where { IN_MEMFD, IN_NAME, IN_FILE };
struct access {
    enum where where;
    char path[256];
    int fd; /* descriptor of the memfd */
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

/* Opens the heap with the mallow_shared_open function for its kind of image. */
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

/* A block of at least BLOCK_SELF bytes begins with a description of itself. A block of at least
 * BLOCK_NODE bytes has room for the handle of the next block in a list, which is not part of the
 * pattern. */
enum { BLOCK_SELF = 16, BLOCK_NODE = 24 };
struct block {
    uint64_t stamp, size;
    mallow_shared_handle next;
};

/* Completes or undoes the operation of a killed owner, and verifies all of its blocks. An exact
 * owner uses functions that store handles in the same step, and loses nothing. */
void owner_take_over(struct mallow_shared *heap, int owner, bool exact);

/* Frees all blocks of an owner. */
void owner_free_all(struct mallow_shared *heap, int owner);

uint64_t owner_possible_losses(struct mallow_shared *heap, int owner);

/* Does random operations until the process is killed, `progress` ends it, or it closes the heap
 * itself. */
_Noreturn void owner_run(const struct access *access, struct progress *progress, int owner,
                         bool exact, uint64_t seed);

/* Reads in a heap that is open for reading only, until it is killed. */
_Noreturn void reader_run(const struct access *access, struct progress *progress, uint64_t seed);

/* An owner at work; see owner.c. */
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
