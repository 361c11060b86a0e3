/* Counts the bytes that the limited operating system may still grant. */
#include "limited_os.h"

#include <stdint.h>

#include "check.h"

enum { PROTECTED_MAX = 64 };

#define NO_LIMIT (SIZE_MAX / 2)

static size_t left = NO_LIMIT;
static const void *protected[PROTECTED_MAX];

void os_limit(size_t bytes) { left = bytes; }

bool limited_charge(size_t bytes) {
    if (bytes > left) return false;
    left -= bytes;
    return true;
}

void limited_credit(size_t bytes) { left += bytes; }

void limited_protected(const void *start) {
    if (left > NO_LIMIT / 2 || limited_was_protected(start)) return;
    for (int i = 0; i < PROTECTED_MAX; i++) {
        if (protected[i] != NULL) continue;
        protected[i] = start;
        return;
    }
    check_failed("more than %d inaccessible slabs\n", PROTECTED_MAX);
}

bool limited_was_protected(const void *start) {
    for (int i = 0; i < PROTECTED_MAX; i++)
        if (protected[i] == start) return true;
    return false;
}
