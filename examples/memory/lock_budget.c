/* Locks memory within the budget of the process. A program that must not wait for pages first asks
 * how much it may lock, and then locks this amount. Locks are counted, so that two parts of a
 * program can lock the same page.
 *
 *     $ lock_budget
 *     the limit is <text>, and <number> KiB are locked
 *     <number> of 256 KiB of samples are locked
 *     locked by two users: 2 locks, after one of them is done: 1 lock
 *     1 GiB more: <text>
 *
 * If the limit is too small for a page:
 *
 *     $ lock_budget
 *     the limit is <text>, and <number> KiB are locked
 *     0 of 256 KiB of samples are locked
 *     1 GiB more: <text>
 */
#include <err.h>
#include <inttypes.h>
#include <mallow/lock.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static void require(enum mallow_result result) {
    if (result != MALLOW_OK) errx(1, "%s", mallow_error_text(result));
}

static _Alignas(65536) char samples[256 << 10];

static void show_budget(void) {
    struct mallow_lock_budget budget;
    require(mallow_lock_budget(&budget));
    printf("the limit is ");
    if (budget.is_privileged)
        printf("not in effect");
    else if (budget.soft_limit == UINT64_MAX)
        printf("infinite");
    else
        printf("%" PRIu64 " KiB", budget.soft_limit / 1024);
    printf(", and %" PRIu64 " KiB are locked\n", budget.locked / 1024);
}

/* Locks as many of the first samples as the limit allows, and returns the number of bytes. */
static size_t lock_samples(void) {
    size_t locked;
    require(mallow_lock_best_effort(samples, sizeof samples, 0, &locked));
    printf("%zu of %zu KiB of samples are locked\n", locked / 1024, sizeof samples / 1024);
    return locked;
}

static void show_counts(size_t locked) {
    require(mallow_lock(samples, locked, 0));
    printf("locked by two users: %" PRIu64 " locks, ", mallow_lock_count(samples, locked));
    require(mallow_unlock(samples, locked));
    printf("after one of them is done: %" PRIu64 " lock\n", mallow_lock_count(samples, locked));
}

/* A lock on fault needs a budget, but no memory. */
static void show_limit(void) {
    size_t bytes = (size_t)1 << 30;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) err(1, "mmap");
    enum mallow_result result = mallow_lock(memory, bytes, MALLOW_LOCK_ON_FAULT);
    printf("1 GiB more: %s\n", result == MALLOW_OK ? "locked" : mallow_error_text(result));
    if (result == MALLOW_OK) require(mallow_unlock(memory, bytes));
    munmap(memory, bytes);
}

int main(void) {
    show_budget();
    size_t locked = lock_samples();
    if (locked > 0) show_counts(locked);
    show_limit();
    if (locked > 0) require(mallow_unlock(samples, locked));
}
