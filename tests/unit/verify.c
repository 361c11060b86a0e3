/* verify_all finds the damage that was planted next to blocks and in freed ones, and nothing
 * else. */
#include "threads.h"

#include "bodies.h"

#include "base/settings.h"
#include "check/block_info.h"
#include "check/verify.h"
#include "mallow.h"
#include "process/options.h"
#include "random.h"

enum { BLOCKS = 3000, PLANTED = 60 };

static uint64_t seed = 1;

static struct block {
    char *start;
    size_t size;
    bool freed;
} blocks[BLOCKS];

static void begin(const char *options) {
    setenv("MALLOW_OPTIONS", options, 1);
    options_read();
    settings.check_action = CHECK_REPORT;
}

/* Sizes are odd, so that no block reaches up to the word of check=hard. */
static size_t random_size(void) {
    return random_below(&seed, (size_t)16 << random_below(&seed, 14)) | 1;
}

/* Makes blocks of all sizes, also too large for slots, and frees a third of the small ones. */
static void make_blocks(void) {
    for (int i = 0; i < BLOCKS; i++) {
        struct block *block = &blocks[i];
        block->size = random_size();
        block->start = mallow_malloc(block->size);
        CHECK(block->start != NULL);
        memset(block->start, 0x77, block->size);
    }
    for (int i = 0; i < BLOCKS; i += 3) {
        if (blocks[i].size > 10000) continue; /* freed guarded blocks are inaccessible */
        mallow_free(blocks[i].start);
        blocks[i].freed = true;
    }
    CHECK_EQUAL(verify_all("found by the test"), 0);
    check_reported("");
}

struct planted {
    char *at, before;
};

/* Changes the byte after a live block, or a byte of a freed one. */
static struct planted plant(const struct block *block) {
    size_t inside = block->freed ? random_below(&seed, block->size) : block->size;
    struct planted planted = {block->start + inside, block->start[inside]};
    *planted.at ^= 0x5a;
    return planted;
}

/* Every damage must be found each time until it is repaired. */
static void check_planted(void) {
    struct planted planted[PLANTED];
    make_blocks();
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < PLANTED; i++) {
            const struct block *block = &blocks[i * (BLOCKS / PLANTED) + round];
            bool left_out = block->size > 10000;
            planted[i] = left_out ? (struct planted){NULL, 0} : plant(block);
        }
        size_t expected = 0;
        for (int i = 0; i < PLANTED; i++) expected += planted[i].at != NULL;
        CHECK(expected > PLANTED / 2);
        CHECK_EQUAL(verify_all("found by the test"), expected);
        const char *text = reported();
        for (int i = 0; i < PLANTED; i++) {
            char line[64];
            snprintf(line, sizeof line, " of %p (", (void *)planted[i].at);
            if (planted[i].at != NULL && strstr(text, line) == NULL)
                check_failed("no report%s\n", line);
        }
        CHECK_EQUAL(count_occurrences(text, "mallow: "), expected);
        CHECK(strstr(text, ", found by the test\n") != NULL);
        for (int i = 0; i < PLANTED; i++)
            if (planted[i].at != NULL) *planted[i].at = planted[i].before;
        CHECK_EQUAL(verify_all("found by the test"), 0);
        check_reported("");
    }
}

static void planted_damage_is_found_in_full(void) {
    begin("check=full,frames=0");
    check_planted();
}

static void planted_damage_is_found_in_hard(void) {
    begin("check=hard,frames=0");
    check_planted();
}

/* Damage next to a guarded block is reported once. */
static void damage_next_to_guarded_blocks_is_found(void) {
    static const char *const modes[] = {"check=full", "check=hard", "guard=1"};
    for (int i = 0; i < 3; i++) {
        pid_t child = start_child();
        if (child == 0) {
            begin(modes[i]);
            char *block = mallow_malloc(100001), *whole = mallow_malloc(100001);
            CHECK_EQUAL(verify_all("found by the test"), 0);
            block[100001] = 1;
            CHECK_EQUAL(verify_all("found by the test"), 1);
            check_reported("heap overflow of");
            CHECK_EQUAL(verify_all("found by the test"), 0);
            mallow_free(block);
            mallow_free(whole);
            check_reported("");
            _exit(0);
        }
        check_child_succeeds(child);
    }
}

static void without_checks_there_is_nothing_to_find(void) {
    begin("");
    make_blocks();
    CHECK_EQUAL(verify_all("found by the test"), 0);
    verify_at_exit();
    check_reported("");
}

static void blocks_are_verified_at_exit(void) {
    begin("check=full");
    make_blocks();
    verify_at_exit();
    check_reported("");
    blocks[1].start[blocks[1].size] = 0;
    verify_at_exit();
    check_reported(", found when the process ended");
}

/* The slabs of ended threads are verified too. */
static void *make_and_end(void *unused) {
    char *block = mallow_malloc(200);
    block[200] = 0;
    (void)unused;
    return block;
}

static void blocks_of_ended_threads_are_verified(void) {
    begin("check=full");
    char *block = run_in_thread(make_and_end, NULL);
    CHECK_EQUAL(verify_all("found by the test"), 1);
    check_reported("a block of 200 bytes");
    mallow_free(block);
    check_reported(", found by free");
}

/* Changes that other threads make meanwhile are not reported. */
static _Atomic bool ended;

static void *churn(void *argument) {
    uint64_t random = (uintptr_t)argument;
    char *own[50] = {NULL};
    while (!ended) {
        char **block = &own[random_below(&random, 50)];
        size_t size = random_below(&random, 3000);
        mallow_free(*block);
        *block = mallow_malloc(size);
        memset(*block, (int)random, size);
        if (size % 5 == 0) *block = mallow_realloc(*block, size + 1);
    }
    return NULL;
}

static void other_threads_may_run_meanwhile(void) {
    static const char *const modes[] = {"check=full", "check=hard"};
    for (int i = 0; i < 2; i++) {
        pid_t child = start_child();
        if (child == 0) {
            pthread_t threads[2];
            begin(modes[i]);
            char *planted = mallow_malloc(100);
            planted[100] ^= 1;
            for (uintptr_t k = 0; k < 2; k++) threads[k] = start_thread(churn, (void *)(k + 1));
            for (int k = 0; k < 50; k++) CHECK_EQUAL(verify_all("found by the test"), 1);
            ended = true;
            for (int k = 0; k < 2; k++) join_thread(threads[k]);
            CHECK_EQUAL(count_occurrences(reported(), "mallow: "), 50);
            _exit(0);
        }
        check_child_succeeds(child);
    }
}

static struct body bodies[] = {
    BODY(planted_damage_is_found_in_full),
    BODY(planted_damage_is_found_in_hard),
    BODY(damage_next_to_guarded_blocks_is_found),
    BODY(without_checks_there_is_nothing_to_find),
    BODY(blocks_are_verified_at_exit),
    BODY(blocks_of_ended_threads_are_verified),
    BODY(other_threads_may_run_meanwhile),
};

int main(void) { return run_bodies(bodies); }
