/*
 * Threads do everything to blocks that a program may do: they allocate in every way, write blocks
 * from end to end, resize them, hand them to other threads, free their own blocks and those of
 * others, trim the heap, end with live blocks, and fork. Each block's content follows from its
 * address, its size and its number, and is verified whenever the block is touched. This finds
 * blocks that are handed out twice, and writes by the allocator.
 *     stress LANES STEPS SEED [fork]
 * Each of LANES threads ends now and then and is replaced by a new one, which inherits its blocks.
 * Each lane makes STEPS steps in all. The steps of a lane follow from SEED, except for the blocks
 * that other lanes hand over.
 */
#include "alloc_names.h"
#include "check.h"
#include "pattern.h"
#include "processes.h"
#include "random.h"
#include "threads.h"

#include <stdatomic.h>

enum { SLOTS = 200, MAILBOXES = 64, STEPS_OF_A_LIFE = 5000, FORK_ONE_IN = 3000, TRIM_ONE_IN = 500 };

struct block {
    void *address;
    size_t size;
    uint64_t key;
};

/* The state of a thread, which its successor inherits. */
struct lane {
    uint64_t random;
    uint64_t next_number;
    long steps_left;
    bool forks;
    struct block slots[SLOTS];
};

/* Blocks on their way from one lane to another. The descriptions are blocks themselves. */
static _Atomic(struct block *) mailboxes[MAILBOXES];

static size_t choose_size(struct lane *lane) {
    size_t bound = (size_t)16 << random_below(&lane->random, 9);
    switch (random_below(&lane->random, 2000)) {
    case 0:
        bound = 4 << 20;
        break;
    case 1 ... 8:
        bound = 256 << 10;
        break;
    default:
        break;
    }
    return random_below(&lane->random, bound);
}

static void verify(const struct block *block) {
    if (!pattern_holds(block->address, block->size, block->key))
        check_failed("the block of %zu bytes at %p was overwritten\n", block->size, block->address);
}

/* Fills all usable bytes of the block. */
static void fill(struct lane *lane, struct block *block, size_t requested) {
    CHECK(block->address != NULL);
    CHECK_EQUAL((uintptr_t)block->address % 16, 0);
    block->size = requested == 0 ? 0 : heap_usable_size(block->address);
    CHECK(block->size >= requested);
    block->key = pattern_key(block->address, block->size, lane->next_number++);
    pattern_fill(block->address, block->size, block->key);
}

static void *allocate_clear(size_t size) {
    static const char zeros[4096];
    const char *bytes = heap_calloc(1, size);
    CHECK(bytes != NULL);
    for (size_t offset = 0; offset < size; offset += sizeof(zeros)) {
        size_t rest = size - offset;
        if (memcmp(bytes + offset, zeros, rest < sizeof(zeros) ? rest : sizeof(zeros)) != 0)
            check_failed("calloc(%zu) is not zero from offset %zu on\n", size, offset);
    }
    return (void *)bytes;
}

static void *allocate_aligned(struct lane *lane, size_t size) {
    size_t alignment = (size_t)16 << random_below(&lane->random, 10);
    void *address = heap_memalign(alignment, size);
    CHECK_EQUAL((uintptr_t)address % alignment, 0);
    return address;
}

static void allocate(struct lane *lane, struct block *block) {
    size_t size = choose_size(lane);
    switch (random_below(&lane->random, 8)) {
    case 0:
        block->address = allocate_clear(size);
        break;
    case 1:
        block->address = allocate_aligned(lane, size);
        break;
    default:
        block->address = heap_malloc(size);
        break;
    }
    fill(lane, block, size);
}

static void release(struct block *block) {
    verify(block);
    heap_free(block->address);
    block->address = NULL;
}

static void resize(struct lane *lane, struct block *block) {
    size_t size = choose_size(lane) + 1;
    verify(block);
    block->address = heap_realloc(block->address, size);
    CHECK(block->address != NULL);
    if (size < block->size) block->size = size;
    verify(block);
    fill(lane, block, size);
}

/* Posts a block, and takes over the block that was in the mailbox, if any. */
static void exchange(struct lane *lane, struct block *block) {
    struct block *posted = heap_malloc(sizeof(*posted));
    CHECK(posted != NULL);
    *posted = *block;
    block->address = NULL;
    struct block *received =
        atomic_exchange(&mailboxes[random_below(&lane->random, MAILBOXES)], posted);
    if (received == NULL) return;
    *block = *received;
    heap_free(received);
    verify(block);
}

static void release_all(struct lane *lane) {
    for (int i = 0; i < SLOTS; i++) {
        if (lane->slots[i].address != NULL) release(&lane->slots[i]);
    }
}

static void step(struct lane *lane) {
    if (random_below(&lane->random, TRIM_ONE_IN) == 0) heap_trim(0);
    struct block *block = &lane->slots[random_below(&lane->random, SLOTS)];
    if (block->address == NULL) {
        allocate(lane, block);
        return;
    }
    switch (random_below(&lane->random, 8)) {
    case 0:
    case 1:
        resize(lane, block);
        break;
    case 2:
    case 3:
        exchange(lane, block);
        break;
    default:
        release(block);
        break;
    }
}

static void *steps_in_child(void *argument) {
    struct lane *lane = argument;
    for (int i = 0; i < 500; i++) step(lane);
    return NULL;
}

/* The child has copies of the blocks of all lanes, and may free those of its own lane. */
static void fork_and_work_on(struct lane *lane) {
    pid_t child = start_child();
    if (child == 0) {
        steps_in_child(lane);
        run_in_thread(steps_in_child, lane);
        release_all(lane);
        _exit(EXIT_SUCCESS);
    }
    check_child_succeeds(child);
}

static void *one_life(void *argument) {
    struct lane *lane = argument;
    size_t steps = random_below(&lane->random, STEPS_OF_A_LIFE);
    for (size_t i = 0; i < steps && lane->steps_left > 0; i++) {
        step(lane);
        lane->steps_left--;
        if (lane->forks && random_below(&lane->random, FORK_ONE_IN) == 0) fork_and_work_on(lane);
    }
    return NULL;
}

static void *run_lane(void *argument) {
    struct lane *lane = argument;
    while (lane->steps_left > 0) run_in_thread(one_life, lane);
    release_all(lane);
    return NULL;
}

static void empty_mailboxes(void) {
    for (int i = 0; i < MAILBOXES; i++) {
        struct block *posted = atomic_exchange(&mailboxes[i], NULL);
        if (posted == NULL) continue;
        release(posted);
        heap_free(posted);
    }
}

int main(int argc, char **argv) {
    enum { HIGHEST_LANES = 64 };
    static struct lane lanes[HIGHEST_LANES];
    static pthread_t threads[HIGHEST_LANES];
    if (argc < 4) check_failed("usage: %s LANES STEPS SEED [fork]\n", argv[0]);
    size_t count = strtoul(argv[1], NULL, 10);
    CHECK(count <= HIGHEST_LANES);
    for (size_t i = 0; i < count; i++) {
        lanes[i] = (struct lane){
            .random = (strtoul(argv[3], NULL, 10) + 1) * 1000 + i,
            .steps_left = strtol(argv[2], NULL, 10),
            .forks = argc > 4,
        };
        threads[i] = start_thread(run_lane, &lanes[i]);
    }
    for (size_t i = 0; i < count; i++) join_thread(threads[i]);
    empty_mailboxes();
}
