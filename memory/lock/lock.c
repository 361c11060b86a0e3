#include "lock/lock.h"

#include <errno.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/kernel_lock.h"
#include "base/limits.h"
#include "lock/counts.h"
#include "lock/reach.h"

struct lock_pages {
    uintptr_t low, high;
};

static enum mallow_result lock_refuse(const char *function, enum mallow_result result) {
    return failure_set((struct mallow_error){.result = result, .function = function});
}

/* Stores the pages of a range that is not empty. Returns false if it wraps around. */
static bool lock_find_pages(const void *p, size_t bytes, struct lock_pages *pages) {
    uintptr_t start = (uintptr_t)p, page = kernel_page();
    if (p == NULL || bytes > UINTPTR_MAX - page - start) return false;
    pages->low = start / page * page;
    pages->high = (start + bytes + page - 1) / page * page;
    return true;
}

/* Returns the number of bytes of the pages that have one lock. */
static size_t lock_single_bytes(struct lock_pages pages) {
    size_t bytes = 0;
    struct counts_range range;
    for (uintptr_t at = pages.low; counts_next(&at, pages.high, &range);)
        if (range.locks == 1) bytes += range.high - range.low;
    return bytes;
}

/* Unlocks the pages that have one lock. Returns false if the kernel refuses that. */
static bool lock_unlock_singles(struct lock_pages pages) {
    struct counts_range range;
    if (counts_all()->locks != 0) return true;
    for (uintptr_t at = pages.low; counts_next(&at, pages.high, &range);)
        if (range.locks == 1 && !reach_unlock(range.low, range.high)) return false;
    return true;
}

static void lock_relock_singles(struct lock_pages pages) {
    struct counts_range range;
    for (uintptr_t at = pages.low; counts_next(&at, pages.high, &range);)
        if (range.locks == 1) reach_lock(range);
}

/* A lock that failed, as limits_fail_lock() needs it. */
struct lock_refusal {
    const char *call; /* NULL: there is no memory for the counts */
    size_t new_bytes; /* of the pages that had no lock */
};

/* Locks the pages. Returns false and sets errno if that fails; nothing has changed then. */
static bool lock_pages(struct lock_pages pages, unsigned flags, struct lock_refusal *refusal) {
    bool is_on_fault = (flags & MALLOW_LOCK_ON_FAULT) != 0;
    *refusal = (struct lock_refusal){NULL, 0};
    if (!counts_enter()) return false;
    bool is_locked = false;
    if (counts_add(pages.low, pages.high)) {
        is_locked = kernel_lock(pages.low, pages.high, is_on_fault);
        if (is_locked && !is_on_fault) counts_set_resident(pages.low, pages.high);
        if (!is_locked) {
            int error = errno;
            *refusal =
                (struct lock_refusal){is_on_fault ? "mlock2" : "mlock", lock_single_bytes(pages)};
            lock_unlock_singles(pages);
            counts_subtract(pages.low, pages.high);
            errno = error;
        }
    }
    counts_leave();
    return is_locked;
}

/* Unlocks the pages, which are locked. Returns NULL, or sets errno and returns the system call that
 * failed; nothing has changed then. */
static const char *lock_release(struct lock_pages pages) {
    if (!counts_prepare()) return "mmap";
    if (!lock_unlock_singles(pages)) {
        int error = errno;
        lock_relock_singles(pages);
        errno = error;
        return "munlock";
    }
    counts_subtract(pages.low, pages.high);
    return NULL;
}

enum mallow_result lock_take(const char *function, const void *p, size_t bytes, unsigned flags) {
    struct lock_pages pages;
    struct lock_refusal refusal;
    if ((flags & ~(unsigned)MALLOW_LOCK_ON_FAULT) != 0)
        return lock_refuse(function, MALLOW_BAD_ARGUMENT);
    if (bytes == 0) return MALLOW_OK;
    if (!lock_find_pages(p, bytes, &pages)) return lock_refuse(function, MALLOW_BAD_ARGUMENT);
    if (lock_pages(pages, flags, &refusal)) return MALLOW_OK;
    if (refusal.call == NULL) return limits_fail(function, "mmap", kernel_page());
    return limits_fail_lock(function, refusal.call, pages.low, pages.high, refusal.new_bytes);
}

enum mallow_result lock_give(const char *function, const void *p, size_t bytes) {
    struct lock_pages pages;
    if (bytes == 0) return MALLOW_OK;
    if (!lock_find_pages(p, bytes, &pages)) return lock_refuse(function, MALLOW_BAD_ARGUMENT);
    if (!counts_enter()) return limits_fail(function, "mmap", kernel_page());
    bool is_locked = counts_least(pages.low, pages.high) != 0;
    const char *failed = is_locked ? lock_release(pages) : NULL;
    counts_leave();
    if (!is_locked) return lock_refuse(function, MALLOW_NOT_LOCKED);
    return failed == NULL ? MALLOW_OK : limits_fail(function, failed, kernel_page());
}

enum mallow_result mallow_lock(const void *p, size_t bytes, unsigned flags) {
    return lock_take(__func__, p, bytes, flags);
}

enum mallow_result mallow_unlock(const void *p, size_t bytes) {
    return lock_give(__func__, p, bytes);
}

/* Tries powers of two, largest first, and so finds the longest part at the start of the range that
 * can be locked. */
enum mallow_result mallow_lock_best_effort(const void *p, size_t bytes, unsigned flags,
                                           size_t *locked) {
    struct lock_pages pages;
    struct lock_refusal refusal;
    if (locked == NULL || (flags & ~(unsigned)MALLOW_LOCK_ON_FAULT) != 0)
        return FAIL(MALLOW_BAD_ARGUMENT);
    if (bytes == 0) return *locked = 0, MALLOW_OK;
    if (!lock_find_pages(p, bytes, &pages)) return FAIL(MALLOW_BAD_ARGUMENT);
    int error = errno;
    uintptr_t piece = kernel_page(), end = pages.low;
    while (piece <= (pages.high - end) / 2) piece *= 2;
    for (; piece >= kernel_page(); piece /= 2) {
        struct lock_pages next = {end, end + piece};
        if (piece <= pages.high - end && lock_pages(next, flags, &refusal)) end = next.high;
    }
    errno = error;
    size_t reached = end == pages.low ? 0 : end - (uintptr_t)p;
    *locked = reached < bytes ? reached : bytes;
    return MALLOW_OK;
}

uint64_t mallow_lock_count(const void *p, size_t bytes) {
    struct lock_pages pages;
    if (bytes == 0 || !lock_find_pages(p, bytes, &pages)) return 0;
    int error = errno;
    bool is_entered = counts_enter();
    uint64_t least = is_entered ? counts_least(pages.low, pages.high) : 0;
    if (is_entered) counts_leave();
    errno = error;
    return least;
}
