#include "board.h"

#include <string.h>

enum mallow_result access_open(const struct access *access, struct mallow_shared **heap,
                               enum mallow_shared_how how) {
    switch (access->where) {
    case IN_NAME:
        return mallow_shared_open(heap, access->path, how, &access->options);
    case IN_FILE:
        return mallow_shared_open_file(heap, access->path, how, &access->options);
    default:
        return mallow_shared_open_fd(heap, access->fd, how, &access->options);
    }
}

void access_unlink(const struct access *access) {
    if (access->where == IN_NAME) mallow_shared_unlink(access->path);
    if (access->where == IN_FILE) mallow_shared_unlink_file(access->path);
}

void board_create(struct mallow_shared *heap) {
    mallow_shared_handle *root = mallow_shared_root(heap);
    enum mallow_result result = mallow_shared_alloc_into(heap, root, sizeof(struct board));
    CHECK(result == MALLOW_OK || result == MALLOW_EXISTS);
    struct board *board = board_of(heap);
    for (int i = 0; i < OWNERS; i++) {
        result = mallow_shared_alloc_into(heap, &board->table[i], sizeof(struct table));
        CHECK(result == MALLOW_OK || result == MALLOW_EXISTS);
    }
}

struct board *board_of(struct mallow_shared *heap) {
    struct board *board =
        mallow_shared_at_checked(heap, *mallow_shared_root(heap), sizeof(struct board));
    CHECK(board != NULL);
    return board;
}

struct table *board_table(struct mallow_shared *heap, int owner) {
    struct table *table =
        mallow_shared_at_checked(heap, board_of(heap)->table[owner], sizeof(struct table));
    CHECK(table != NULL);
    return table;
}

/* ---- blocks ---- */

static uint64_t block_word(uint64_t offset, uint64_t size, uint64_t stamp) {
    if (size >= BLOCK_SELF && offset == offsetof(struct block, stamp)) return stamp;
    if (size >= BLOCK_SELF && offset == offsetof(struct block, size)) return size;
    return (stamp * 0x9e3779b97f4a7c15 + size * 0xc2b2ae3d27d4eb4f + offset) * 0xd1342543de82ef95;
}

static bool block_is_next(uint64_t offset, uint64_t size) {
    return size >= BLOCK_NODE && offset == offsetof(struct block, next);
}

void block_fill(void *block, uint64_t size, uint64_t stamp) {
    char *bytes = block;
    for (uint64_t offset = 0; offset < size; offset += 8) {
        uint64_t word = block_is_next(offset, size) ? 0 : block_word(offset, size, stamp);
        memcpy(bytes + offset, &word, size - offset < 8 ? size - offset : 8);
    }
}

bool block_holds(const void *block, uint64_t bytes, uint64_t size, uint64_t stamp) {
    const char *content = block;
    for (uint64_t offset = 0; offset < bytes; offset += 8) {
        uint64_t word = block_word(offset, size, stamp);
        if (!block_is_next(offset, size) &&
            memcmp(content + offset, &word, bytes - offset < 8 ? bytes - offset : 8) != 0)
            return false;
    }
    return true;
}
