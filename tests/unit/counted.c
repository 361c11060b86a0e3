/* While calls are counted, slots are reused in the order in which they would be otherwise, and each
 * call is either counted or looked at. Counting can be turned on and off at any time. */
#include "threads.h"

#include "bodies.h"

#include <sys/mman.h>

#include "check/modes.h"
#include "guard/guard_range.h"
#include "heap/call_counts.h"
#include "heap/counting.h"
#include "heap/fast.h"
#include "heap/find.h"
#include "heap/heap_enter.h"
#include "heap/size_class.h"
#include "mallow.h"
#include "pages/purge.h"
#include "process/calls.h"
#include "process/modes.h"
#include "process/options.h"
#include "process/options_change.h"
#include "profile/samples.h"
#include "random.h"

static void begin(const char *options) {
    setenv("MALLOW_OPTIONS", options, 1);
    options_read();
}

/* ---- the order of slots ---- */

enum { BLOCKS = 500, CALLS = 200000, SIZE_LIMIT = 3000 };

/* Replaces random blocks, and records the distance of each from the first one. */
static void replace_blocks(ptrdiff_t *distances) {
    static char *blocks[BLOCKS];
    uint64_t seed = 1;
    char *first = mallow_malloc(100);
    for (int i = 0; i < CALLS; i++) {
        char **block = &blocks[random_below(&seed, BLOCKS)];
        size_t size = random_below(&seed, SIZE_LIMIT);
        mallow_free(*block);
        switch (random_below(&seed, 4)) {
        case 0:
            *block = mallow_calloc(1, size);
            break;
        case 1:
            *block = mallow_realloc(NULL, size);
            *block = mallow_realloc(*block, size + 1);
            break;
        default:
            *block = mallow_malloc(size);
        }
        distances[i] = *block - first;
    }
}

static ptrdiff_t *distances_with(const char *options) {
    size_t bytes = CALLS * sizeof(ptrdiff_t);
    ptrdiff_t *distances =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(distances != MAP_FAILED);
    pid_t child = start_child();
    if (child == 0) {
        begin(options);
        purge_set_retain(PURGE_NEVER); /* purging depends on the time */
        replace_blocks(distances);
        _exit(0);
    }
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
    return distances;
}

static void slots_are_reused_in_the_same_order(void) {
    ptrdiff_t *plain = distances_with(""), *sampled = distances_with("sample=1000000000000");
    ptrdiff_t *guarded = distances_with("guard=1000000000000");
    for (int i = 0; i < CALLS; i++) {
        CHECK_EQUAL(sampled[i], plain[i]);
        CHECK_EQUAL(guarded[i], plain[i]);
    }
}

/* ---- what is counted ---- */

static unsigned row_of(const char *block) {
    size_t usable = mallow_usable_size(block);
    return usable > SLOT_MAX ? CLASSES : size_class_of(usable);
}

/* Returns the calls that are counted, and checks that they were counted in the row of `block`. */
static uint64_t calls_counted(const void *block) {
    const struct mallow_call_page *page = calls_page();
    unsigned row = row_of(block);
    uint64_t sum = 0, of_row = page->rows[row].allocations;
    static uint64_t of_row_before[CLASSES + 1];
    for (unsigned i = 0; i <= CLASSES; i++) sum += page->rows[i].allocations;
    for (unsigned i = 0; i < CLASSES; i++) sum += mallow_class_allocations(&self_heap->calls[i]);
    if (row < CLASSES) of_row += mallow_class_allocations(&self_heap->calls[row]);
    CHECK(of_row != of_row_before[row]);
    of_row_before[row] = of_row;
    return sum;
}

static void each_call_is_counted_once(void) {
    begin("stats=exit,guard=20,sample=10000");
    uint64_t before = calls_counted(mallow_malloc(1));
    for (size_t size = 0; size < 40 * KIB; size += 1 + size / 20) {
        for (int i = 0; i < 20; i++) {
            void *block = mallow_malloc(size);
            CHECK_EQUAL(calls_counted(block), ++before);
            mallow_free(block);
            block = mallow_calloc(1, size);
            CHECK_EQUAL(calls_counted(block), ++before);
            mallow_free(block);
            block = mallow_aligned_alloc(64, size);
            CHECK_EQUAL(calls_counted(block), ++before);
            mallow_free(block);
        }
    }
}

/* Only guards are due here. */
static bool guard_is_due(unsigned size_class) {
    return *self_heap->counting->countdown[size_class].left == 0;
}

static void the_chosen_block_is_guarded(void) {
    begin("guard=100");
    size_t guarded = 0;
    mallow_free(mallow_malloc(48));
    for (int i = 0; i < 20000; i++) {
        bool due = guard_is_due(size_class_of(48));
        char *block = mallow_malloc(48);
        CHECK_EQUAL(guard_range_contains(block), due);
        guarded += due;
        CHECK_EQUAL(mallow_usable_size(block), 48);
        block = mallow_realloc(block, 5000);
        memset(block, 1, 5000);
        mallow_free(block);
    }
    CHECK(guarded > 100 && guarded < 300); /* realloc's copies count, too */
}

/* ---- samples ---- */

static uint8_t state_of(void *p) { return slot_state_get(find_block(p).state); }

/* With sample=1, a block of 64 bytes or more is almost certainly a sample. */
static void samples_end_with_a_free(void) {
    begin("sample=1");
    for (size_t size = 64; size < 300 * KIB; size += size / 3) {
        char *block = mallow_malloc(size);
        memset(block, 1, size);
        CHECK(samples_any());
        if (size <= SLOT_MAX) CHECK_EQUAL(state_of(block), SLOT_SAMPLED);
        CHECK(mallow_usable_size(block) >= size);
        mallow_free(block);
        CHECK(!samples_any());
        block = mallow_calloc(1, size);
        CHECK(samples_any() && block[size - 1] == 0);
        mallow_free(block);
        block = mallow_aligned_alloc(256, size);
        CHECK(samples_any());
        mode_free_request(block, &(struct free_request){WITH_SIZE(size), WITH_ALIGN(256)});
        CHECK(!samples_any());
        check_reported("");
    }
}

static void samples_follow_a_resize(void) {
    begin("sample=1");
    char *block = mallow_malloc(64);
    for (size_t size = 64; size < 4 * MIB; size += size / 3) {
        block = mallow_realloc(block, size);
        CHECK(samples_any());
        struct mallow_profile_live live;
        CHECK(samples_get(block, &live) && (size <= SLOT_MAX || live.bytes == size));
    }
    mallow_free(block);
    CHECK(!samples_any());
}

/* ---- a thread that allocates at the old address while a block is moved ---- */

static bool allocates_there;
static char *moved_from;

bool __real_os_remap_to(void *start, size_t old_bytes, void *to, size_t new_bytes);
bool __wrap_os_remap_to(void *start, size_t old_bytes, void *to, size_t new_bytes);
bool __wrap_os_remap_to(void *start, size_t old_bytes, void *to, size_t new_bytes) {
    bool done = __real_os_remap_to(start, old_bytes, to, new_bytes);
    if (done && allocates_there) {
        moved_from = start;
        if (!samples_add(start, 1, true, 4711)) abort();
    }
    return done;
}

static void samples_stay_with_moved_blocks(void) {
    struct mallow_profile_live live;
    begin("sample=1");
    allocates_there = true;
    char *block = mallow_malloc(64 * MIB), *next = mallow_malloc(64 * MIB);
    for (size_t size = 128 * MIB; moved_from == NULL && size < 1024 * MIB; size += 64 * MIB)
        block = mallow_realloc(block, size);
    CHECK(block != NULL && moved_from != block);
    CHECK(samples_get(block, &live) && live.bytes >= 128 * MIB && live.node != 4711);
    CHECK(samples_get(moved_from, &live) && live.bytes == 1 && live.node == 4711);
    CHECK(samples_remove(moved_from));
    allocates_there = false;
    mallow_free(block);
    mallow_free(next);
    CHECK(!samples_any());
}

static void wrong_frees_of_samples_are_reported(void) {
    begin("sample=1");
    char *block = mallow_malloc(100), *other = mallow_malloc(100);
    mallow_free(block + 16);
    check_reported("invalid free");
    mode_free_request(block, &(struct free_request){WITH_SIZE(5000)});
    check_reported("size mismatch");
    mallow_free(block);
    mallow_free(block);
    check_reported("double free");
    CHECK(samples_any());
    mallow_free(other);
    CHECK(!samples_any());
}

static void *free_it(void *block) {
    mallow_free(block);
    return NULL;
}

static void another_thread_may_free_a_sample(void) {
    begin("sample=1");
    for (int i = 0; i < 100; i++) { /* in shared slots first, then in slabs */
        char *block = mallow_malloc(200);
        run_in_thread(free_it, block);
        CHECK(!samples_any());
    }
    check_reported("");
}

static void samples_are_kept_in_modes_that_see_all_calls(void) {
    begin("sample=1,check=full,zero_on_free=on");
    for (size_t size = 64; size < 300 * KIB; size += size / 3) {
        char *block = mallow_malloc(size);
        CHECK(samples_any());
        block = mallow_realloc(block, size + 1);
        CHECK(samples_any());
        mallow_free(block);
        CHECK(!samples_any());
    }
    check_reported("");
}

static void a_guarded_copy_has_the_requested_size(void) {
    begin("guard=1");
    char *block = mallow_malloc(100);
    for (size_t size = 101; size < 5000; size += size / 7) {
        block = mallow_realloc(block, size);
        CHECK_EQUAL(mallow_usable_size(block), size);
    }
    settings.guard = 2; /* a slot may become a guarded block */
    for (int i = 0; i < 1000; i++) {
        mallow_free(block);
        block = mallow_malloc(100);
        block = mallow_realloc(block, 120); /* a plain copy would have room for 140 */
        if (guard_range_contains(block)) CHECK_EQUAL(mallow_usable_size(block), 120);
    }
}

static void guarded_blocks_may_be_samples(void) {
    begin("sample=1,guard=1");
    for (size_t size = 64; size < 300 * KIB; size += size / 3) {
        char *block = mallow_malloc(size);
        CHECK(guard_range_contains(block) && samples_any());
        block = mallow_realloc(block, size + 100);
        CHECK(samples_any());
        mallow_free(block);
        CHECK(!samples_any());
    }
    check_reported("");
}

/* Blocks of different sizes represent all bytes that were allocated. */
static void samples_represent_all_bytes(void) {
    enum { RATE = 10000, ROUNDS = 300000 };
    static struct mallow_profile_live live[64 * KIB];
    uint64_t seed = 7, allocated = 0;
    double represented = 0;
    begin("sample=10000");
    for (int i = 0; i < ROUNDS; i++) {
        size_t size = random_below(&seed, i % 50 == 0 ? 20000 : 200);
        mallow_malloc(size);
        allocated += size;
    }
    uint32_t next = 0;
    size_t count = samples_read(&next, UINT32_MAX, live, 64 * KIB);
    CHECK_EQUAL(next, 0);
    for (size_t i = 0; i < count; i++) represented += live[i].blocks * (double)live[i].bytes;
    /* The relative error is about sqrt(RATE / allocated), which is 1 %. */
    CHECK(represented > 0.95 * (double)allocated && represented < 1.05 * (double)allocated);
}

/* ---- exact counts ---- */

enum { USERS = 3 };
static char *_Atomic shared_blocks[BLOCKS];
static _Atomic uint64_t made[CLASSES + 1], ended[CLASSES + 1];

/* Replaces random blocks, most of which another thread allocated. */
static void *exchange_blocks(void *argument) {
    uint64_t seed = (uintptr_t)argument;
    for (int i = 0; i < 60000; i++) {
        size_t size = random_below(&seed, i % 200 == 0 ? 300 * KIB : SIZE_LIMIT);
        char *block = i % 3 == 0 ? mallow_calloc(1, size) : mallow_malloc(size);
        made[row_of(block)]++;
        block = atomic_exchange(&shared_blocks[random_below(&seed, BLOCKS)], block);
        if (block == NULL) continue;
        ended[row_of(block)]++;
        mallow_free(block);
    }
    return NULL;
}

static void check_counts(const struct mallow_call_page *before) {
    const struct mallow_call_page *page = calls_page();
    calls_finish();
    for (unsigned row = 0; row <= CLASSES; row++) {
        CHECK_EQUAL(page->rows[row].allocations - before->rows[row].allocations, made[row]);
        CHECK_EQUAL(page->rows[row].frees - before->rows[row].frees, ended[row]);
    }
}

static void frees_of_all_threads_follow_from_the_slots(void) {
    static struct mallow_call_page before;
    pthread_t threads[USERS];
    begin("stats=exit");
    before = *calls_page();
    for (uintptr_t i = 0; i < USERS; i++)
        threads[i] = start_thread(exchange_blocks, (void *)(i + 1));
    for (int i = 0; i < USERS; i++) join_thread(threads[i]);
    exchange_blocks((void *)4);
    check_counts(&before);
    calls_finish(); /* changes nothing */
    check_counts(&before);
    uint64_t live = 0;
    for (int i = 0; i < BLOCKS; i++) live += mallow_usable_size(shared_blocks[i]);
    CHECK_EQUAL(calls_page()->live_bytes - before.live_bytes, live);
}

static void the_peak_is_that_of_the_live_blocks(void) {
    enum { COUNT = 20000, SIZE = 1024 };
    static char *blocks[COUNT];
    begin("stats=exit");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) blocks[i] = mallow_malloc(SIZE);
        for (int i = 0; i < COUNT; i++) mallow_free(blocks[i]);
        mallow_free(mallow_malloc(MIB)); /* the freed blocks do not count any more */
    }
    calls_finish();
    uint64_t peak = calls_page()->live_peak_bytes, expected = (uint64_t)COUNT * SIZE;
    CHECK(peak > expected - expected / 100 - 64 * KIB && peak < expected + expected / 100);
}

/* A thread for which there was no memory is counted in the page. */
static void calls_without_a_stripe_are_counted(void) {
    begin("stats=exit");
    for (int i = 0; i < 1000; i++) mallow_malloc(100); /* the magazine has slots afterwards */
    struct mallow_size_calls *row = &calls_page()->rows[size_class_of(100)];
    call_counts_detach(self_heap);
    self_heap->counting->generation = 0;
    uint64_t before = row->allocations;
    for (int i = 1; i <= 10; i++) {
        mallow_malloc(100);
        CHECK_EQUAL(row->allocations, before + (uint64_t)i);
    }
}

/* ---- turning it on and off ---- */

static bool stop;

/* The countdown of the previous settings does not delay the first sample. */
static void sampling_begins_with_the_next_call(void) {
    begin("guard=1000000000");
    for (int i = 0; i < 1000; i++) mallow_malloc(100);
    char *kept = mallow_malloc(100);
    settings.sample = 1;
    options_change_mode(MODE_SAMPLE, true);
    heap_follow_settings();
    mallow_free(kept); /* the next call finds a slot in the magazine */
    CHECK(!samples_any());
    mallow_malloc(100);
    CHECK(samples_any());
    for (int i = 0; i < 5; i++) CHECK_EQUAL(state_of(mallow_malloc(100)), SLOT_SAMPLED);
}

static void *use_blocks(void *argument) {
    static __thread char *blocks[BLOCKS];
    uint64_t seed = (uintptr_t)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        char **block = &blocks[random_below(&seed, BLOCKS)];
        if (*block != NULL) CHECK_EQUAL(**block, (char)(uintptr_t)block);
        mallow_free(*block);
        *block = mallow_malloc(1 + random_below(&seed, SIZE_LIMIT));
        **block = (char)(uintptr_t)block;
    }
    for (int i = 0; i < BLOCKS; i++) mallow_free(blocks[i]);
    return NULL;
}

static void counting_can_change_at_any_time(void) {
    enum { THREADS = 3, CHANGES = 300 };
    begin("guard=50,sample=5000");
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) threads[i] = start_thread(use_blocks, (void *)(i + 1));
    for (int i = 0; i < CHANGES; i++) {
        usleep(1000);
        options_change_mode(MODE_GUARD, i % 2 != 0);
        if (i % 4 == 0) options_change_mode(MODE_SAMPLE, i % 8 != 0);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
    struct heap *heap = heap_enter();
    CHECK(mode_sees == MODE_SEES_COUNTED ? heap->cached == heap->counting->cached
                                         : heap->cached == heap->magazine);
    heap_leave(heap);
}

int main(void) {
    struct body bodies[] = {
        BODY(slots_are_reused_in_the_same_order),
        BODY(each_call_is_counted_once),
        BODY(the_chosen_block_is_guarded),
        BODY(frees_of_all_threads_follow_from_the_slots),
        BODY(the_peak_is_that_of_the_live_blocks),
        BODY(calls_without_a_stripe_are_counted),
        BODY(samples_end_with_a_free),
        BODY(samples_follow_a_resize),
        BODY(samples_stay_with_moved_blocks),
        BODY(wrong_frees_of_samples_are_reported),
        BODY(another_thread_may_free_a_sample),
        BODY(samples_are_kept_in_modes_that_see_all_calls),
        BODY(a_guarded_copy_has_the_requested_size),
        BODY(guarded_blocks_may_be_samples),
        BODY(samples_represent_all_bytes),
        BODY(sampling_begins_with_the_next_call),
        BODY(counting_can_change_at_any_time),
    };
    return run_bodies(bodies);
}
