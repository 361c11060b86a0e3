/* The work of the successor of a killed owner. The successor may be killed as well, so each step
 * may be repeated. */
#include "board.h"

#include <string.h>

static struct note takeover_note(const struct table *table) {
    return (struct note){(uint32_t)(table->note & 0xff), (uint32_t)(table->note >> 8 & 0xffff)};
}

/* Gives up the block of the slot, which may still exist, be free, or belong to another owner. If
 * the successor is killed as well, the block may be counted twice, but is never missed. */
static void takeover_give_up(const struct owner *owner, unsigned slot) {
    owner->table->note += (uint64_t)1 << 32;
    __atomic_store_n(&owner->table->handle[slot], 0, __ATOMIC_RELEASE);
}

/* Fills the block again, in a state in which its content has no meaning. */
static void takeover_fill(const struct owner *owner, unsigned slot) {
    owner_begin(owner, FILLING, slot);
    owner_fill(owner, slot);
}

static uint64_t takeover_size(const struct owner *owner, mallow_shared_handle handle) {
    size_t size = 0;
    EXPECT(mallow_shared_size(owner->heap, handle, &size));
    return size;
}

/* A new block of an exact owner reads as zero. */
static void takeover_check_zero(const struct owner *owner, mallow_shared_handle handle) {
    uint64_t size = takeover_size(owner, handle);
    const char *bytes = mallow_shared_at(owner->heap, handle);
    CHECK_EQUAL(size, owner->table->new_size);
    for (uint64_t i = 0; i < size; i++) CHECK(bytes[i] == 0);
}

/* The block has the old or the new size, and the old content as far as both reach. */
static void takeover_check_resized(const struct owner *owner, unsigned slot) {
    const struct table *table = owner->table;
    uint64_t size = takeover_size(owner, table->handle[slot]);
    CHECK(size == table->old_size || size == table->new_size);
    uint64_t bytes = table->old_size < table->new_size ? table->old_size : table->new_size;
    if (size == table->old_size) bytes = size;
    CHECK(block_holds(mallow_shared_at(owner->heap, table->handle[slot]), bytes, table->old_size,
                      table->stamp[slot]));
}

/* The block came from another place, and contains its own description. */
static void takeover_adopt(const struct owner *owner, unsigned slot) {
    struct table *table = owner->table;
    struct block *block = mallow_shared_at_checked(owner->heap, table->handle[slot], BLOCK_SELF);
    CHECK(block != NULL);
    if (block->size >= BLOCK_NODE) block->next = 0;
    table->stamp[slot] = block->stamp;
}

/* The name has a block, which the killed process may have filled. */
static void takeover_named(const struct owner *owner, bool has_filled) {
    char name[32];
    mallow_shared_handle handle = 0;
    owner_name(owner, "name", owner->table->number, name);
    enum mallow_result result = mallow_shared_find(owner->heap, name, &handle);
    CHECK(result == MALLOW_OK || (result == MALLOW_NOT_FOUND && !has_filled));
    if (result != MALLOW_OK) return;
    if (!has_filled) takeover_check_zero(owner, handle);
    owner_begin(owner, FILLING_NAMED, 0);
    block_fill(mallow_shared_at(owner->heap, handle), takeover_size(owner, handle),
               owner_stamp(owner));
}

static void takeover_remove_name(const struct owner *owner, const char *kind) {
    char name[32];
    owner_name(owner, kind, owner->table->number, name);
    enum mallow_result result = mallow_shared_remove_name(owner->heap, name);
    CHECK(result == MALLOW_OK || result == MALLOW_NOT_FOUND);
}

static void takeover_exact(const struct owner *owner, unsigned doing, unsigned slot) {
    if (doing == ALLOCATING) {
        takeover_check_zero(owner, owner->table->handle[slot]);
        takeover_fill(owner, slot);
    }
    if (doing == RESIZING) {
        takeover_check_resized(owner, slot);
        takeover_fill(owner, slot);
    }
}

static void takeover_plain(const struct owner *owner, unsigned doing, unsigned slot) {
    if (doing == FREEING || doing == RESIZING) takeover_give_up(owner, slot);
    if (doing == ALLOCATING) takeover_fill(owner, slot);
}

static void takeover_finish(const struct owner *owner, unsigned doing, unsigned slot) {
    struct table *table = owner->table;
    mallow_shared_handle handle = table->handle[slot];
    if (doing == NAMING || doing == FILLING_NAMED) takeover_named(owner, doing == FILLING_NAMED);
    if (doing == ALIASING) takeover_remove_name(owner, "alias");
    if (handle == 0) {
        if (doing == ALLOCATING && !owner->exact) takeover_give_up(owner, slot);
        return;
    }
    if (doing == FILLING) takeover_fill(owner, slot);
    if (doing == TAKING || doing == POPPING) takeover_adopt(owner, slot);
    if (doing == PUSHING && table->list == handle) table->handle[slot] = 0;
    if (doing == ADOPTING) {
        takeover_remove_name(owner, "name");
        takeover_adopt(owner, slot);
    }
    if (owner->exact)
        takeover_exact(owner, doing, slot);
    else
        takeover_plain(owner, doing, slot);
}

static void takeover_verify_names(const struct owner *owner) {
    for (unsigned i = 0; i < NAMES; i++) {
        char name[32];
        mallow_shared_handle handle = 0;
        owner_name(owner, "name", i, name);
        enum mallow_result result = mallow_shared_find(owner->heap, name, &handle);
        CHECK(result == MALLOW_OK || result == MALLOW_NOT_FOUND);
        if (result != MALLOW_OK) continue;
        uint64_t size = takeover_size(owner, handle);
        const struct block *block = mallow_shared_at(owner->heap, handle);
        CHECK(block_holds(block, size, size, block->stamp));
    }
}

void owner_take_over(struct mallow_shared *heap, int index, bool exact) {
    struct owner owner = {.heap = heap,
                          .board = board_of(heap),
                          .table = board_table(heap, index),
                          .index = index,
                          .exact = exact};
    struct note note = takeover_note(owner.table);
    if (note.doing != NOTHING) takeover_finish(&owner, note.doing, note.slot);
    owner_end(&owner);
    for (unsigned slot = 0; slot < SLOTS; slot++) owner_verify(&owner, slot);
    takeover_verify_names(&owner);
    for (mallow_shared_handle node = owner.table->list; node != 0;) {
        const struct block *block = mallow_shared_at_checked(heap, node, BLOCK_NODE);
        CHECK(block != NULL);
        CHECK(block_holds(block, block->size, block->size, block->stamp));
        node = block->next;
    }
}

uint64_t owner_possible_losses(struct mallow_shared *heap, int owner) {
    return board_table(heap, owner)->note >> 32;
}

void owner_free_all(struct mallow_shared *heap, int index) {
    struct table *table = board_table(heap, index);
    struct owner owner = {.heap = heap, .table = table, .index = index};
    for (unsigned slot = 0; slot < SLOTS; slot++)
        EXPECT(mallow_shared_free_from(heap, &table->handle[slot]));
    while (table->list != 0) {
        struct block *block = mallow_shared_at_checked(heap, table->list, BLOCK_NODE);
        CHECK(block != NULL);
        EXPECT(mallow_shared_move(heap, &table->list, &table->handle[0], block->next));
        EXPECT(mallow_shared_free_from(heap, &table->handle[0]));
    }
    for (unsigned i = 0; i < NAMES; i++) {
        char name[32];
        mallow_shared_handle handle = 0;
        owner_name(&owner, "name", i, name);
        if (mallow_shared_find(heap, name, &handle) != MALLOW_OK) continue;
        EXPECT(mallow_shared_remove_name(heap, name));
        EXPECT(mallow_shared_free(heap, handle));
    }
}
