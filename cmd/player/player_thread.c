/* Runs the operations of one thread. */
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "player/player.h"

#define SPINS 200     /* before a thread that waits lets others run */
#define HEAD_BYTES 64 /* at the beginning of a block that are written */

/* ---- waiting ---- */

void player_wait_until(_Atomic uint32_t *word, uint32_t value) {
    uint32_t now;
    while ((now = atomic_load_explicit(word, memory_order_acquire)) != value)
        syscall(SYS_futex, word, FUTEX_WAIT, now, NULL, NULL, 0);
}

static void player_wait_from(_Atomic uint32_t *word, uint32_t value) {
    uint32_t now;
    while ((now = atomic_load_explicit(word, memory_order_acquire)) < value)
        syscall(SYS_futex, word, FUTEX_WAIT, now, NULL, NULL, 0);
}

void player_wake(_Atomic uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void player_wait_for_thread(const struct replay_thread *thread, uint64_t done) {
    for (unsigned spins = 0; atomic_load_explicit(&thread->done, memory_order_acquire) < done;
         spins++)
        if (spins >= SPINS) sched_yield();
}

/* ---- calls ---- */

/* Operands of a call that do not fit into its operation. Operations before it set them. */
struct player_request {
    uint64_t alignment, large; /* the upper half of the size */
    uint64_t from;             /* the first page that is written */
};

/* Returns where the part of a block ends that programs write. */
static uint64_t player_written_end(uint64_t size) {
    uint64_t page = player.head->page_bytes, share = player.head->written;
    return size <= page || share == REPLAY_WRITTEN_ALL
               ? size
               : page + (size - page) / REPLAY_WRITTEN_ALL * share;
}

/* Writes to the pages of the block, and to the beginning as programs do. */
static void player_touch(char *block, uint64_t size, const struct player_request *request) {
    uint64_t page = player.head->page_bytes, at = request->from * page;
    uint64_t end = player_written_end(size);
    if (at == 0) {
        memset(block, 1, size < HEAD_BYTES ? size : HEAD_BYTES);
        at = page - ((uintptr_t)block & (page - 1));
    }
    for (; at < end; at += page) *(volatile char *)(block + at) = 1;
    if (end == size && end > page) *(volatile char *)(block + size - 1) = 1;
}

static void player_make(struct replay_thread *thread, uint64_t word,
                        const struct player_request *request) {
    struct player_call call = {.op = replay_word_op(word),
                               .size = request->large | replay_word_size(word),
                               .alignment = request->alignment};
    void **slot = &player.slots[replay_word_slot(word)], *old = *slot;
    bool releases = call.op != REPLAY_MALLOC && call.op != REPLAY_CALLOC && call.op != REPLAY_NEW &&
                    call.op != REPLAY_NEW_ARRAY && call.op != REPLAY_REALLOC;
    uint64_t begin = player_ticks();
    void *block = player_call(&call, old);
    uint64_t middle = player_ticks(), ticks = middle - begin;
    if (block != NULL) {
        player_touch(block, call.size, request);
        thread->touch_ticks += player_ticks() - middle;
    }
    if (call.op != REPLAY_TRIM && (block != NULL || call.op != REPLAY_REALLOC)) *slot = block;
    thread->failed += block == NULL && !releases;
    ticks = ticks > player.head->overhead_ticks ? ticks - player.head->overhead_ticks : 0;
    thread->calls++;
    thread->call_ticks += ticks;
    thread->times[replay_time_bucket(ticks)]++;
}

/* ---- operations ---- */

static void player_leave(uint32_t epoch) {
    if (atomic_fetch_sub(&player.epochs[epoch].unfinished, 1) == 1)
        player_wake(&player.epochs[epoch].unfinished);
}

static void player_end(struct replay_thread *thread, uint32_t epoch,
                       void (*end_epoch)(uint32_t epoch)) {
    if (thread != player.threads)
        player_leave(epoch);
    else
        end_epoch(epoch);
}

void player_run(struct replay_thread *thread, void (*end_epoch)(uint32_t epoch)) {
    struct player_request request = {0};
    const uint64_t *at = player.chunks + thread->chunk * REPLAY_CHUNK_WORDS;
    uint64_t done = 0;
    for (;;) {
        uint64_t word = *at++;
        uint32_t size = replay_word_size(word);
        switch (replay_word_op(word)) {
        case REPLAY_JUMP:
            at = player.chunks + (uint64_t)size * REPLAY_CHUNK_WORDS;
            break;
        case REPLAY_ALIGN:
            request.alignment = size;
            break;
        case REPLAY_LARGE:
            request.large = (uint64_t)size << 32;
            break;
        case REPLAY_FROM:
            request.from = size;
            break;
        case REPLAY_WAIT:
            player_wait_for_thread(&player.threads[replay_word_slot(word)], size);
            break;
        case REPLAY_BEGIN:
            player_wait_from(&player.head->epoch, size);
            break;
        case REPLAY_END:
            player_end(thread, size, end_epoch);
            if (replay_word_slot(word) != 0) return;
            break;
        default:
            player_make(thread, word, &request);
            request = (struct player_request){0};
            atomic_store_explicit(&thread->done, ++done, memory_order_release);
        }
    }
}
