/* The operations of an owner until it is killed. */
#include "board.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../support/random.h"

/* ---- notes ---- */

void owner_begin(const struct owner *owner, enum doing doing, unsigned slot) {
    uint64_t losses = owner->table->note >> 32 << 32;
    __atomic_store_n(&owner->table->note, losses | slot << 8 | doing, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* keeps later stores after it */
    if (owner->progress != NULL) owner->progress->of[owner->index].doing = doing;
}

void owner_end(const struct owner *owner) { owner_begin(owner, NOTHING, 0); }

void owner_name(const struct owner *owner, const char *kind, uint64_t number, char name[32]) {
    snprintf(name, 32, "%s %d of %d", kind, (int)number, owner->index);
}

uint64_t owner_stamp(const struct owner *owner) {
    uint64_t serial = ++owner->table->serial;
    return (uint64_t)(owner->index + 1) << 56 | serial;
}

void owner_fill(const struct owner *owner, unsigned slot) {
    struct table *table = owner->table;
    size_t size = 0;
    EXPECT(mallow_shared_size(owner->heap, table->handle[slot], &size));
    table->stamp[slot] = owner_stamp(owner);
    block_fill(mallow_shared_at(owner->heap, table->handle[slot]), size, table->stamp[slot]);
}

void owner_verify(const struct owner *owner, unsigned slot) {
    const struct table *table = owner->table;
    if (table->handle[slot] == 0) return;
    size_t size = 0;
    EXPECT(mallow_shared_size(owner->heap, table->handle[slot], &size));
    const void *block = mallow_shared_at_checked(owner->heap, table->handle[slot], size);
    CHECK(block != NULL);
    if (!block_holds(block, size, size, table->stamp[slot]))
        check_failed("owner %d: the block %llx of %zu bytes in slot %u was overwritten\n",
                     owner->index, (unsigned long long)table->handle[slot], size, slot);
}

/* ---- allocation ---- */

static size_t owner_size(struct owner *owner) {
    uint64_t *random = &owner->random;
    size_t kind = random_below(random, 1000);
    if (kind < 800) return random_below(random, 129);
    if (kind < 985) return random_below(random, 1025);
    if (kind < 999) return random_below(random, 16 << 10);
    return random_below(random, 200 << 10);
}

static void owner_check_zero(const struct owner *owner, mallow_shared_handle handle, size_t size) {
    const char *bytes = mallow_shared_at_checked(owner->heap, handle, size);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < size; i++) CHECK(bytes[i] == 0);
}

static enum mallow_result owner_alloc_plain(struct owner *owner, mallow_shared_handle *handle,
                                            size_t size) {
    mallow_shared_handle local = 0;
    bool zero = random_below(&owner->random, 4) == 0;
    enum mallow_result result = zero ? mallow_shared_zalloc(owner->heap, size, &local)
                                     : mallow_shared_alloc(owner->heap, size, &local);
    if (result == MALLOW_OK && zero) owner_check_zero(owner, local, size);
    if (result == MALLOW_OK) __atomic_store_n(handle, local, __ATOMIC_RELEASE);
    return result;
}

static void owner_alloc(struct owner *owner, unsigned slot) {
    struct table *table = owner->table;
    size_t size = owner_size(owner);
    table->new_size = size;
    owner_begin(owner, ALLOCATING, slot);
    enum mallow_result result =
        owner->exact ? mallow_shared_alloc_into(owner->heap, &table->handle[slot], size)
                     : owner_alloc_plain(owner, &table->handle[slot], size);
    if (result == MALLOW_OK) {
        if (owner->exact) owner_check_zero(owner, table->handle[slot], size);
        owner_begin(owner, FILLING, slot);
        owner_fill(owner, slot);
    } else {
        if (result != MALLOW_NO_MEMORY) EXPECT(result);
        CHECK(table->handle[slot] == 0);
    }
    owner_end(owner);
}

/* Freeing a handle that is not a block is an error, and changes nothing. */
static void owner_free_wrongly(const struct owner *owner, mallow_shared_handle handle) {
    size_t size = 0;
    EXPECT(mallow_shared_size(owner->heap, handle, &size));
    if (size > 16) CHECK_EQUAL(mallow_shared_free(owner->heap, handle + 16), MALLOW_NOT_A_BLOCK);
    CHECK(mallow_shared_free(owner->heap, handle + 1) != MALLOW_OK);
}

static void owner_free(struct owner *owner, unsigned slot) {
    struct table *table = owner->table;
    owner_verify(owner, slot);
    if (random_below(&owner->random, 16) == 0) owner_free_wrongly(owner, table->handle[slot]);
    owner_begin(owner, FREEING, slot);
    if (owner->exact) {
        EXPECT(mallow_shared_free_from(owner->heap, &table->handle[slot]));
        CHECK(table->handle[slot] == 0);
    } else {
        EXPECT(mallow_shared_free(owner->heap, table->handle[slot]));
        table->handle[slot] = 0;
    }
    owner_end(owner);
}

static void owner_resize(struct owner *owner, unsigned slot) {
    struct table *table = owner->table;
    owner_verify(owner, slot);
    EXPECT(mallow_shared_size(owner->heap, table->handle[slot], &table->old_size));
    table->new_size = owner_size(owner);
    owner_begin(owner, RESIZING, slot);
    mallow_shared_handle handle = table->handle[slot];
    enum mallow_result result =
        owner->exact ? mallow_shared_resize_in(owner->heap, &table->handle[slot], table->new_size)
                     : mallow_shared_resize(owner->heap, &handle, table->new_size);
    if (!owner->exact) __atomic_store_n(&table->handle[slot], handle, __ATOMIC_RELEASE);
    if (result == MALLOW_OK) {
        uint64_t bytes = table->old_size < table->new_size ? table->old_size : table->new_size;
        CHECK(block_holds(mallow_shared_at(owner->heap, table->handle[slot]), bytes,
                          table->old_size, table->stamp[slot]));
        owner_begin(owner, FILLING, slot);
        owner_fill(owner, slot);
    } else {
        if (result != MALLOW_NO_MEMORY) EXPECT(result);
        owner_verify(owner, slot);
    }
    owner_end(owner);
}

/* ---- moves ---- */

static struct block *owner_block(const struct owner *owner, mallow_shared_handle handle) {
    struct block *block = mallow_shared_at_checked(owner->heap, handle, BLOCK_SELF);
    CHECK(block != NULL);
    return block;
}

static bool owner_has_room(const struct owner *owner, unsigned slot, size_t bytes) {
    size_t size = 0;
    EXPECT(mallow_shared_size(owner->heap, owner->table->handle[slot], &size));
    return size >= bytes;
}

static void owner_send(struct owner *owner, unsigned slot) {
    if (!owner_has_room(owner, slot, BLOCK_SELF)) return;
    mallow_shared_handle *box = &owner->board->box[random_below(&owner->random, BOXES)];
    owner_begin(owner, SENDING, slot);
    enum mallow_result result =
        mallow_shared_move(owner->heap, &owner->table->handle[slot], box, 0);
    CHECK(result == MALLOW_OK || result == MALLOW_EXISTS);
    CHECK((owner->table->handle[slot] == 0) == (result == MALLOW_OK));
    owner_end(owner);
}

static void owner_take(struct owner *owner, unsigned slot) {
    mallow_shared_handle *box = &owner->board->box[random_below(&owner->random, BOXES)];
    owner_begin(owner, TAKING, slot);
    EXPECT(mallow_shared_move(owner->heap, box, &owner->table->handle[slot], 0));
    mallow_shared_handle handle = owner->table->handle[slot];
    if (handle != 0) owner->table->stamp[slot] = owner_block(owner, handle)->stamp;
    owner_end(owner);
    owner_verify(owner, slot);
}

static void owner_push(struct owner *owner, unsigned slot) {
    struct table *table = owner->table;
    if (!owner_has_room(owner, slot, BLOCK_NODE)) return;
    struct block *block = owner_block(owner, table->handle[slot]);
    owner_begin(owner, PUSHING, slot);
    EXPECT(mallow_shared_move(owner->heap, &table->list, &block->next, table->handle[slot]));
    CHECK(table->list == table->handle[slot]);
    table->handle[slot] = 0;
    owner_end(owner);
}

static void owner_pop(struct owner *owner, unsigned slot) {
    struct table *table = owner->table;
    if (table->list == 0) return;
    struct block *block = owner_block(owner, table->list);
    owner_begin(owner, POPPING, slot);
    EXPECT(mallow_shared_move(owner->heap, &table->list, &table->handle[slot], block->next));
    CHECK(table->list == block->next);
    block->next = 0;
    table->stamp[slot] = block->stamp;
    owner_end(owner);
    owner_verify(owner, slot);
}

/* ---- names ---- */

/* Allocates a block with a name, or moves the block that has the name to the slot. */
static void owner_use_name(struct owner *owner, unsigned slot) {
    char name[32];
    mallow_shared_handle handle = 0;
    struct table *table = owner->table;
    table->number = random_below(&owner->random, NAMES);
    owner_name(owner, "name", table->number, name);
    if (mallow_shared_find(owner->heap, name, &handle) == MALLOW_OK) {
        owner_begin(owner, ADOPTING, slot);
        __atomic_store_n(&table->handle[slot], handle, __ATOMIC_RELEASE);
        EXPECT(mallow_shared_remove_name(owner->heap, name));
        table->stamp[slot] = owner_block(owner, handle)->stamp;
    } else {
        bool created = false;
        table->new_size = BLOCK_SELF + random_below(&owner->random, 300);
        owner_begin(owner, NAMING, slot);
        enum mallow_result result =
            mallow_shared_find_or_alloc(owner->heap, name, table->new_size, &handle, &created);
        CHECK(created == (result == MALLOW_OK));
        if (result == MALLOW_OK) {
            owner_check_zero(owner, handle, table->new_size);
            owner_begin(owner, FILLING_NAMED, slot);
            block_fill(mallow_shared_at(owner->heap, handle), table->new_size, owner_stamp(owner));
        } else if (result != MALLOW_NO_MEMORY) {
            EXPECT(result);
        }
    }
    owner_end(owner);
}

static void owner_alias(struct owner *owner, unsigned slot) {
    char name[32];
    mallow_shared_handle handle = 0;
    owner->table->number = random_below(&owner->random, ALIASES);
    owner_name(owner, "alias", owner->table->number, name);
    owner_begin(owner, ALIASING, slot);
    EXPECT(mallow_shared_set_name(owner->heap, name, owner->table->handle[slot]));
    EXPECT(mallow_shared_find(owner->heap, name, &handle));
    CHECK(handle == owner->table->handle[slot]);
    EXPECT(mallow_shared_remove_name(owner->heap, name));
    owner_end(owner);
}

/* ---- all ---- */

static void owner_whole_heap(struct owner *owner, const struct access *access) {
    struct mallow_shared_statistics now;
    struct mallow_shared_finding finding = {NULL, 0};
    switch (random_below(&owner->random, 8)) {
    case 0:
        if (mallow_shared_check(owner->heap, &finding) != MALLOW_OK)
            check_failed("owner %d: %s at %llu\n", owner->index, finding.problem,
                         (unsigned long long)finding.position);
        break;
    case 1:
        EXPECT(mallow_shared_measure(owner->heap, &now));
        CHECK(now.used + now.free == now.size && now.size <= now.maximum);
        if (now.size < now.maximum / 4) EXPECT(mallow_shared_grow(owner->heap, now.size + 1));
        break;
    case 2:
        if (access->where == IN_FILE) EXPECT(mallow_shared_commit(owner->heap));
        break;
    case 3:
        EXPECT(mallow_shared_close(owner->heap));
        _exit(EXIT_SUCCESS);
    default:
        for (unsigned slot = 0; slot < SLOTS; slot++) owner_verify(owner, slot);
    }
}

static void owner_step(struct owner *owner) {
    unsigned slot = (unsigned)random_below(&owner->random, SLOTS);
    size_t kind = random_below(&owner->random, 100);
    if (owner->table->handle[slot] == 0) {
        if (kind < 75)
            owner_alloc(owner, slot);
        else if (kind < 85)
            owner_take(owner, slot);
        else if (kind < 95)
            owner_pop(owner, slot);
        else
            owner_use_name(owner, slot);
    } else {
        if (kind < 50)
            owner_free(owner, slot);
        else if (kind < 80)
            owner_resize(owner, slot);
        else if (kind < 88)
            owner_send(owner, slot);
        else if (kind < 96)
            owner_push(owner, slot);
        else
            owner_alias(owner, slot);
    }
}

_Noreturn void owner_run(const struct access *access, struct progress *progress, int index,
                         bool exact, uint64_t seed) {
    struct mallow_shared *heap = access->inherited;
    progress->of[index].doing = 100;
    if (heap == NULL) EXPECT(access_open(access, &heap, MALLOW_SHARED_OPEN_OR_CREATE));
    board_create(heap);
    struct owner owner = {.heap = heap,
                          .board = board_of(heap),
                          .table = board_table(heap, index),
                          .index = index,
                          .exact = exact,
                          .random = seed,
                          .progress = progress};
    progress->of[index].doing = 101;
    owner_take_over(heap, index, exact);
    while (!__atomic_load_n(&progress->stop, __ATOMIC_RELAXED)) {
        owner_step(&owner);
        if (random_below(&owner.random, 3000) == 0) owner_whole_heap(&owner, access);
        progress->of[index].operations++;
    }
    EXPECT(mallow_shared_close(heap));
    _exit(EXIT_SUCCESS);
}

_Noreturn void reader_run(const struct access *access, struct progress *progress, uint64_t seed) {
    struct mallow_shared *heap = NULL;
    progress->of[OWNERS].doing = 100;
    enum mallow_result result = access_open(access, &heap, MALLOW_SHARED_READ_ONLY);
    /* If the reader is the first process, it cannot repair what killed processes left. */
    if (result == MALLOW_DENIED || result == MALLOW_NOT_FOUND) _exit(EXIT_SUCCESS);
    EXPECT(result);
    while (!__atomic_load_n(&progress->stop, __ATOMIC_RELAXED)) {
        struct mallow_shared_statistics now;
        char name[MALLOW_SHARED_NAME_BYTES];
        mallow_shared_handle handle;
        progress->of[OWNERS].doing = 0;
        /* The reader takes no lock, but never sees a part of a change. */
        result = mallow_shared_measure(heap, &now);
        CHECK(result == MALLOW_OK || result == MALLOW_BUSY);
        if (result == MALLOW_OK) CHECK_EQUAL(now.used + now.free, now.size);
        if (random_below(&seed, 64) == 0) {
            result = mallow_shared_check(heap, NULL);
            CHECK(result == MALLOW_OK || result == MALLOW_BUSY);
        }
        unsigned cursor = 0;
        while (mallow_shared_next_name(heap, &cursor, name, &handle) == MALLOW_OK) continue;
        CHECK_EQUAL(mallow_shared_alloc(heap, 1, &handle), MALLOW_DENIED);
        progress->of[OWNERS].operations++;
    }
    EXPECT(mallow_shared_close(heap));
    _exit(EXIT_SUCCESS);
}
