/*
 * The slow paths of scratch memory.
 *
 * A thread has a list of chunks. Each chunk is a stack of records and blocks, and the newest chunk
 * is the current one:
 *
 *     chunk     [ header | base | record | blocks | record | blocks ->          ]
 *                                                    ^ newest      ^ at      end ^
 *
 * `base` is a record without a scope, so that every chunk has a newest record. Scopes normally end
 * in the reverse order of their beginning. The inline functions then push and pop the newest
 * record. This file handles all other cases:
 *
 * - A block does not fit. A large block gets a mapping of its own. For any other block, a new chunk
 *   is added, with a second record of the scope. The first record of a chunk has a flag that sends
 *   the end of its scope to the slow path, which makes the previous chunk current again. A signal
 *   handler therefore leaves the stack as it was.
 *
 * - A scope that is not the newest allocates. It gets a second record too.
 *
 * - A scope that is not the newest ends. longjmp has left the newer scopes, or they belong to other
 *   coroutines. Records are dropped if the frames of their scopes have certainly been left. If
 *   newer records remain, the records of the ending scope are only marked as ended. They are
 *   dropped when they are the newest, or with their chunk when all its records have ended.
 *
 * - A scope allocates its first block, and the newest scope is in a deeper frame of the same stack,
 *   or at the same address. longjmp has left the newest scope. own_stack.c knows which frames have
 *   certainly been left, but it knows nothing about the stacks of coroutines. When a chunk is full,
 *   scopes that longjmp has left in coroutines are found if a newer scope has the same address.
 *
 * These cases need more than one store to go from one valid state to the next, so all signals are
 * blocked in the meantime.
 */
#include "mallow/scratch.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/chunk.h"
#include "base/failure.h"
#include "base/kernel.h"
#include "scratch/own_stack.h"

/* Flags in a record's `older`. All records of a scope after its first have IS_SECOND and are a
 * struct scratch_second_record. */
enum { IS_FIRST = 1, HAS_LARGE = 2, IS_SECOND = 4, FLAGS = 15 };

struct scratch_second_record {
    struct mallow_scratch_record record;
    struct mallow_scratch_record *before; /* previous record of the same scope */
    void *unused;
};

struct scratch_chunk {
    struct scratch_chunk *older;
    char *at; /* this and `newest` are saved here while another chunk is current */
    struct mallow_scratch_record *newest;
    size_t bytes;
    struct mallow_scratch_record base;
};
_Static_assert(sizeof(struct scratch_chunk) % 16 == 0, "blocks are aligned");
_Static_assert(sizeof(struct mallow_scratch_record) % 16 == 0, "blocks are aligned");
_Static_assert(sizeof(struct scratch_second_record) % 16 == 0, "blocks are aligned");

/* A block with a mapping of its own. */
struct scratch_large {
    _Alignas(16) struct scratch_large *older;
    struct mallow_scratch_record *record;
    size_t bytes;
};

_Static_assert(MALLOW_SCRATCH_INLINE_BYTES == CHUNK_BYTES / 4, "little room is wasted");

/* In the initial state of a thread, there is no room, and any scope may follow the newest
 * record. */
#define NO_SCOPE ((struct mallow_scratch *)UINTPTR_MAX) /* above the address of any scope */
static struct mallow_scratch_record scratch_none = {.scope = NO_SCOPE};
__thread struct mallow_scratch_stack mallow_scratch_stack = {.newest = &scratch_none};

static __thread struct scratch_chunk *scratch_current;
static __thread struct scratch_chunk *scratch_spare;
static __thread struct scratch_large *scratch_large;

/* ---- the end of a thread ---- */

static pthread_key_t scratch_key;

static void scratch_end_thread(void *chunk) {
    (void)chunk;
    while (scratch_large != NULL) {
        struct scratch_large *large = scratch_large;
        scratch_large = large->older;
        chunk_give(CHUNK_SCRATCH, large, large->bytes);
    }
    if (scratch_spare != NULL) chunk_give(CHUNK_SCRATCH, scratch_spare, scratch_spare->bytes);
    for (struct scratch_chunk *older; scratch_current != NULL; scratch_current = older) {
        older = scratch_current->older;
        chunk_give(CHUNK_SCRATCH, scratch_current, scratch_current->bytes);
    }
    scratch_spare = NULL;
    mallow_scratch_stack = (struct mallow_scratch_stack){.newest = &scratch_none};
}

__attribute__((constructor)) static void scratch_start(void) {
    pthread_key_create(&scratch_key, scratch_end_thread);
}

/* ---- chunks ---- */

static void scratch_save(void) {
    if (scratch_current == NULL) return;
    scratch_current->at = mallow_scratch_stack.at;
    scratch_current->newest = mallow_scratch_stack.newest;
}

static void scratch_make_current(struct scratch_chunk *chunk) {
    scratch_current = chunk;
    mallow_scratch_stack.at = chunk->at;
    mallow_scratch_stack.end = (char *)chunk + chunk->bytes;
    mallow_scratch_stack.newest = chunk->newest;
}

static bool scratch_add_chunk(const char *function) {
    struct scratch_chunk *chunk = scratch_spare;
    scratch_spare = NULL;
    if (chunk == NULL) chunk = chunk_take(CHUNK_SCRATCH, CHUNK_BYTES, function);
    if (chunk == NULL) return false;
    if (scratch_current == NULL) pthread_setspecific(scratch_key, chunk);
    scratch_save();
    *chunk = (struct scratch_chunk){
        .older = scratch_current,
        .at = (char *)(chunk + 1),
        .newest = &chunk->base,
        .bytes = CHUNK_BYTES,
        .base = {.scope = NO_SCOPE},
    };
    scratch_make_current(chunk);
    return true;
}

static void scratch_drop_chunk(struct scratch_chunk *chunk) {
    if (scratch_spare == NULL)
        scratch_spare = chunk;
    else
        chunk_give(CHUNK_SCRATCH, chunk, chunk->bytes);
}

/* Makes the previous chunk current as long as the current one is empty. The first chunk stays. */
static void scratch_leave_empty_chunks(void) {
    while (mallow_scratch_stack.newest == &scratch_current->base &&
           scratch_current->older != NULL) {
        struct scratch_chunk *empty = scratch_current;
        scratch_make_current(empty->older);
        scratch_drop_chunk(empty);
    }
}

/* ---- records ---- */

static struct mallow_scratch_record *scratch_older(const struct mallow_scratch_record *record) {
    return (struct mallow_scratch_record *)(record->older & ~(uintptr_t)FLAGS);
}

/* Returns the previous record of the same scope, or NULL. */
static struct mallow_scratch_record *scratch_before(const struct mallow_scratch_record *record) {
    if ((record->older & IS_SECOND) == 0) return NULL;
    return ((const struct scratch_second_record *)record)->before;
}

static void scratch_unmap_large(const struct mallow_scratch_record *record) {
    struct scratch_large **at = &scratch_large;
    while (*at != NULL) {
        struct scratch_large *large = *at;
        if (large->record != record) {
            at = &large->older;
            continue;
        }
        *at = large->older;
        chunk_give(CHUNK_SCRATCH, large, large->bytes);
    }
}

static void scratch_mark_ended(struct mallow_scratch_record *record) {
    if ((record->older & HAS_LARGE) != 0) scratch_unmap_large(record);
    record->older &= ~(uintptr_t)HAS_LARGE;
    record->scope = NULL;
}

static void scratch_pop(void) {
    struct mallow_scratch_record *record = mallow_scratch_stack.newest;
    if ((record->older & HAS_LARGE) != 0) scratch_unmap_large(record);
    mallow_scratch_stack.newest = scratch_older(record);
    mallow_scratch_stack.at = (char *)record;
    scratch_leave_empty_chunks();
}

static bool scratch_is_base(const struct mallow_scratch_record *record) {
    return record->scope == NO_SCOPE;
}

static bool scratch_has_ended(const struct mallow_scratch_record *record, const char *running) {
    return record->scope == NULL || own_stack_has_left((const char *)record->scope, running);
}

/* Pops records until the scope of the newest one has not ended. */
static void scratch_pop_ended(const char *running) {
    while (!scratch_is_base(mallow_scratch_stack.newest) &&
           scratch_has_ended(mallow_scratch_stack.newest, running))
        scratch_pop();
}

/* A walk over the records of all chunks, newest first. */
struct scratch_walk {
    struct scratch_chunk *chunk;
    struct mallow_scratch_record *record;
};

static bool scratch_walk_next(struct scratch_walk *walk) {
    walk->record = walk->record == NULL ? walk->chunk->newest : scratch_older(walk->record);
    while (scratch_is_base(walk->record)) {
        walk->chunk = walk->chunk->older;
        if (walk->chunk == NULL) return false;
        walk->record = walk->chunk->newest;
    }
    return true;
}

/* Marks older scopes at the same address as ended. Two scopes cannot exist at one address, so
 * longjmp has left the older ones. `before` skips the other records of the scope itself. */
static void scratch_end_older_at(struct scratch_walk walk) {
    const struct mallow_scratch_record *record = walk.record;
    const struct mallow_scratch_record *before = scratch_before(record);
    while (scratch_walk_next(&walk)) {
        if (walk.record == before)
            before = scratch_before(before);
        else if (walk.record->scope == record->scope)
            scratch_mark_ended(walk.record);
    }
}

/* Marks all scopes as ended that have the same address as a newer scope. There are none if every
 * scope has a lower address than the one before it, as in most programs without coroutines and
 * jumps. The first loop finds this out, because the second one takes quadratic time. */
static void scratch_end_repeated(void) {
    struct scratch_walk walk = {.chunk = scratch_current};
    uintptr_t last = 0;
    bool repeats = false;
    while (!repeats && scratch_walk_next(&walk)) {
        repeats = (uintptr_t)walk.record->scope < last;
        last = (uintptr_t)walk.record->scope;
    }
    walk = (struct scratch_walk){.chunk = scratch_current};
    while (repeats && scratch_walk_next(&walk))
        if (walk.record->scope != NULL) scratch_end_older_at(walk);
}

/* Drops all chunks except the current one in which all scopes have ended. */
static void scratch_drop_ended_chunks(void) {
    for (struct scratch_chunk **at = &scratch_current->older; *at != NULL;) {
        struct scratch_chunk *chunk = *at;
        const struct mallow_scratch_record *record = chunk->newest;
        while (!scratch_is_base(record) && record->scope == NULL) record = scratch_older(record);
        if (!scratch_is_base(record)) {
            at = &chunk->older;
            continue;
        }
        *at = chunk->older;
        scratch_drop_chunk(chunk);
    }
}

/* ---- scopes ---- */

static bool scratch_has_room(size_t bytes) {
    return bytes <= (size_t)(mallow_scratch_stack.end - mallow_scratch_stack.at);
}

/* Pushes a record of `bytes` bytes for the scope. Adds a new chunk for it if the record and `more`
 * bytes do not fit in the current chunk. */
static bool scratch_push(struct mallow_scratch *scope, size_t bytes, size_t more, uintptr_t flags,
                         const char *function) {
    bool fits = scratch_current != NULL && scratch_has_room(bytes + more);
    if (!fits) {
        if (!scratch_add_chunk(function)) return false;
        scratch_end_repeated();
        scratch_drop_ended_chunks();
    }
    struct mallow_scratch_record *record = (void *)mallow_scratch_stack.at;
    record->scope = scope;
    record->older = (uintptr_t)mallow_scratch_stack.newest | flags | (fits ? 0 : IS_FIRST);
    scope->record = record;
    mallow_scratch_stack.newest = record;
    mallow_scratch_stack.at += bytes;
    return true;
}

static bool scratch_push_second(struct mallow_scratch *scope, size_t more, const char *function) {
    struct mallow_scratch_record *before = scope->record;
    if (!scratch_push(scope, sizeof(struct scratch_second_record), more, IS_SECOND, function))
        return false;
    ((struct scratch_second_record *)scope->record)->before = before;
    return true;
}

/* Pushes the first record of a scope. `running` is the frame of a function that is running. */
static bool scratch_begin(struct mallow_scratch *scope, size_t more, const char *running,
                          const char *function) {
    if (scratch_current != NULL) {
        struct mallow_scratch_record *newest = mallow_scratch_stack.newest;
        if (newest->scope == scope) scratch_mark_ended(newest);
        scratch_pop_ended(running);
    }
    return scratch_push(scope, sizeof *scope->record, more, 0, function);
}

void mallow_scratch_end_slow(struct mallow_scratch *scope) {
    if (scope->record == NULL) return;
    sigset_t signals;
    int error = errno;
    kernel_block_signals(&signals);
    struct mallow_scratch_record *record = scope->record;
    while (record != NULL) {
        struct mallow_scratch_record *before = scratch_before(record);
        scratch_mark_ended(record);
        record = before;
    }
    scope->record = NULL;
    scratch_pop_ended(__builtin_frame_address(0));
    scratch_drop_ended_chunks();
    kernel_restore_signals(&signals);
    errno = error;
}

/* ---- blocks ---- */

static void *scratch_map_large(struct mallow_scratch *scope, size_t size, const char *function) {
    size_t bytes = chunk_round(size + sizeof(struct scratch_large));
    if (bytes == CHUNK_BYTES) bytes += kernel_page(); /* otherwise chunk_give would keep it */
    struct scratch_large *large = chunk_take(CHUNK_SCRATCH, bytes, function);
    if (large == NULL) return NULL;
    *large = (struct scratch_large){scratch_large, scope->record, bytes};
    scratch_large = large;
    scope->record->older |= HAS_LARGE;
    return large + 1;
}

static void *scratch_take(struct mallow_scratch *scope, size_t size, const char *running,
                          const char *function) {
    size_t rounded = (size + 15) & ~(size_t)15;
    bool is_large = rounded > MALLOW_SCRATCH_INLINE_BYTES;
    if (scope->record == NULL && !scratch_begin(scope, is_large ? 0 : rounded, running, function))
        return NULL;
    if (is_large) return scratch_map_large(scope, size, function);
    if (scope->record != mallow_scratch_stack.newest || !scratch_has_room(rounded)) {
        if (!scratch_push_second(scope, rounded, function)) return NULL;
    }
    char *block = mallow_scratch_stack.at;
    mallow_scratch_stack.at = block + rounded;
    return block;
}

static void *scratch_alloc(struct mallow_scratch *scope, size_t size, const char *function) {
    struct mallow_error details = {.function = function, .wanted = size};
    details.result = scope == NULL        ? MALLOW_BAD_ARGUMENT
                     : size > PTRDIFF_MAX ? MALLOW_TOO_LARGE
                                          : MALLOW_OK;
    if (details.result != MALLOW_OK) return failure_set(details), NULL;
    sigset_t signals;
    kernel_block_signals(&signals);
    void *block = scratch_take(scope, size, __builtin_frame_address(0), function);
    kernel_restore_signals(&signals);
    return block;
}

void *mallow_scratch_alloc_slow(struct mallow_scratch *scope, size_t size) {
    return scratch_alloc(scope, size, "mallow_scratch_alloc");
}

void *mallow_scratch_zalloc(struct mallow_scratch *scope, size_t size) {
    void *block = scratch_alloc(scope, size, __func__);
    return block == NULL ? NULL : memset(block, 0, size);
}

void *mallow_scratch_array(struct mallow_scratch *scope, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
    return scratch_alloc(scope, bytes, __func__);
}
