/* Guarded blocks work when calls of the system fail, and after a fork at any moment. */
#include "threads.h"

#include "guard_blocks.h"

#include <limits.h>

#include "base/compiler.h"
#include "failing_os.h"
#include "guard/guard_budget.h"
#include "os/thread_id.h"
#include "random.h"

static uint64_t seed = 1;

/* ---- the system refuses ---- */

#define DIRTIED ((size_t)1000) /* the number of bytes that are written in each block */

/* A larger page consists of several pages of the kernel, so it costs several times as much. */
static int repeated(int times) { return page_bytes > 4 * KIB ? times / 8 : times; }

static void use_some_blocks(int operations) {
    static char *blocks[40];
    for (int i = 0; i < repeated(operations); i++) {
        char **block = &blocks[random_below(&seed, 40)];
        size_t size = random_below(&seed, 3 * page_bytes);
        if (*block != NULL) CHECK_EQUAL(guard_free(*block, 0), GUARD_FREED);
        *block = guard_alloc(size, UNIT, FAMILY_MALLOC, 0);
        if (*block == NULL) CHECK(os_calls_failed() > 0);
        if (*block == NULL) continue;
        for (size_t k = 0; k < size; k += k < DIRTIED ? 97 : page_bytes)
            CHECK_EQUAL((*block)[k], 0);
        memset(*block, 1, min_size(size, DIRTIED));
    }
}

static void fail_calls(enum os_call kind, long first, long count) {
    pid_t child = start_child();
    if (child == 0) {
        CHECK(guard_begin(2000 * page_bytes));
        os_fail(kind, first, first + count - 1);
        use_some_blocks(200);
        os_fail(OS_ANY, LONG_MAX, LONG_MAX);
        use_some_blocks(100); /* uses the places again at which calls failed */
        give(take(100, UNIT));
        _exit(0);
    }
    check_child_succeeds(child);
}

static void every_call_may_fail(void) {
    static const enum os_call kinds[] = {OS_ANY,    OS_COMMIT, OS_DISCARD, OS_RESERVE_AT,
                                         OS_EXTEND, OS_MARK,   OS_UNMARK};
    for (int i = 0; i < 7; i++) {
        for (long n = 1; n < 12; n++) {
            fail_calls(kinds[i], n, 1);
            if (kinds[i] == OS_ANY) fail_calls(kinds[i], n, 4);
        }
        fail_calls(kinds[i], 1, LONG_MAX - 1);
    }
}

static void the_range_may_be_refused(void) {
    for (int kind = 0; kind <= OS_ANY; kind++) {
        pid_t child = start_child();
        if (child == 0) {
            os_fail((enum os_call)kind, 1, LONG_MAX);
            use_some_blocks(100);
            os_fail(OS_ANY, LONG_MAX, LONG_MAX);
            for (int i = 0; i < 256; i++) guard_free(guard_alloc(1, UNIT, FAMILY_MALLOC, 0), 0);
            use_some_blocks(100);
            _exit(0);
        }
        check_child_succeeds(child);
    }
}

/* The pages are closed neither in one step nor in two, but reused pages must be zero. */
static void pages_that_cannot_be_closed_are_reused_zeroed(void) {
    CHECK(guard_begin((4 * GUARD_REUSE_DISTANCE + 40) * page_bytes));
    os_fail(OS_DISCARD, 1, LONG_MAX);
    for (int i = 0; i < 2000; i++) {
        if (i == 1000) os_fail(OS_ANY, LONG_MAX, LONG_MAX);
        if (i == 400) os_fail(OS_DISCARD, 1, LONG_MAX);
        char *block = take(100, UNIT);
        for (int k = 0; k < 100; k++) CHECK_EQUAL(block[k], 0);
        memset(block, 1, 100);
        give(block);
    }
}

/* ---- the lock ---- */

static void *take_and_give(void *unused) {
    give(take(1, UNIT));
    return unused;
}

/* A signal handler that interrupts the holder of the lock does this. Another thread completes the
 * free. */
static void frees_without_the_lock_are_done_later(void) {
    struct lock_hold hold;
    struct block_info info;
    char *block = take(100, UNIT), *other = take(100, UNIT);
    CHECK(open_lock_take(&guard_lock, &hold));
    CHECK(guard_alloc(1, UNIT, FAMILY_MALLOC, 0) == NULL);
    CHECK_EQUAL(guard_free(block, 0), GUARD_FREED);
    check_refused(block, "double free");
    check_refused(other + 16, "invalid free");
    CHECK(guard_info(block, &info) && info.life == LIFE_FREED);
    CHECK(guard_info(other, &info) && info.life == LIFE_LIVE);
    CHECK(is_accessible(block));
    open_lock_drop(&guard_lock, &hold);
    run_in_thread(take_and_give, NULL);
    CHECK(!is_accessible(block) && is_accessible(other));
    CHECK(guard_info(block, &info) && info.life == LIFE_FREED);
    CHECK_EQUAL(info.freed_by, thread_id());
    check_refused(block, "double free");
    give(other);
    CHECK_EQUAL(guard_budget_counts().count, 0);
}

static NOINLINE void take_the_lock_and_leave(void) {
    struct lock_hold hold;
    CHECK(open_lock_take(&guard_lock, &hold));
    memset(&hold, 0, sizeof hold); /* as a function that is called later does */
}

static void a_holder_that_jumped_away_is_replaced(void) {
    for (int i = 0; i < 20; i++) {
        char *block = take(100, UNIT);
        take_the_lock_and_leave();
        give(take(100, UNIT));
        check_info(block, block, LIFE_LIVE);
        take_the_lock_and_leave();
        give(block);
        CHECK(!is_accessible(block));
        CHECK_EQUAL(guard_budget_counts().count, 0);
    }
}

/* ---- fork ---- */

static _Atomic bool ended;

static void *churn(void *argument) {
    uint64_t random = (uintptr_t)argument;
    char *blocks[20] = {NULL};
    while (!ended) {
        char **block = &blocks[random_below(&random, 20)];
        if (*block != NULL) guard_free(*block, 0);
        *block = guard_alloc(random_below(&random, 3000), UNIT, FAMILY_MALLOC, 0);
    }
    return NULL;
}

static void a_child_can_use_guarded_blocks(void) {
    pthread_t threads[2];
    settings.guard = 1;
    CHECK(guard_begin(1600 * page_bytes));
    for (uintptr_t i = 0; i < 2; i++) threads[i] = start_thread(churn, (void *)(i + 1));
    for (int i = 0; i < 3; i++) {
        pid_t child = start_child();
        if (child == 0) {
            guard_after_fork();
            for (int k = 0; k < 5; k++)
                use_some_blocks(400); /* every place once, with 4 KiB pages */
            _exit(0);
        }
        check_child_succeeds(child);
    }
    ended = true;
    for (int i = 0; i < 2; i++) join_thread(threads[i]);
}

/* The fork may interrupt another thread at any point. */
static void interrupted_changes_are_repaired(void) {
    CHECK(guard_begin(2000 * page_bytes));
    settings.guard_budget = 2000 * page_bytes;
    for (int i = 0; i < 5; i++) {
        use_some_blocks(200);
        char *block = take(100, UNIT);
        guard_lock.word = 2; /* held by another thread */
        guard_after_fork();
        check_info(block, block, LIFE_LIVE);
        give(block);
        check_refused(block, "double free");
        CHECK_EQUAL(guard_damage_check_all(), 0);
    }
}

static struct body bodies[] = {
    BODY(every_call_may_fail),
    BODY(the_range_may_be_refused),
    BODY(pages_that_cannot_be_closed_are_reused_zeroed),
    BODY(frees_without_the_lock_are_done_later),
    BODY(a_holder_that_jumped_away_is_replaced),
    BODY(a_child_can_use_guarded_blocks),
    BODY(interrupted_changes_are_repaired),
};

int main(void) {
    page_bytes = os_page_size();
    return run_bodies(bodies);
}
