/* Runs tests with memfd_secret(2), or, with the argument "locked", without it. */
#ifndef KINDS_H
#define KINDS_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "../lock/locked.h"
#include "base/kernel_secret.h"
#include "mallow/secret.h"

static bool kind_is_locked;

bool __real_kernel_map_secret(void *p, size_t bytes);
bool __wrap_kernel_map_secret(void *p, size_t bytes);
bool __wrap_kernel_map_secret(void *p, size_t bytes) {
    if (!kind_is_locked) return __real_kernel_map_secret(p, bytes);
    errno = ENOSYS;
    return false;
}

static inline void choose_kind(int argc, char **argv) {
    kind_is_locked = argc > 1 && strcmp(argv[1], "locked") == 0;
}

static inline struct mallow_secret_description describe(const void *p) {
    struct mallow_secret_description description;
    if (mallow_secret_describe(p, &description) != MALLOW_OK) abort();
    return description;
}

#endif
