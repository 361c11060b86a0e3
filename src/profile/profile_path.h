/* Paths in the records of a profile, each of which says how much of the previous one it repeats. */
#ifndef MALLOW_PROFILE_PATH_H
#define MALLOW_PROFILE_PATH_H

#include <stddef.h>
#include <string.h>

#include "base/numbers.h"
#include "mallow_profile.h"

/* The path of the previous record of the block; no bytes at first. */
struct profile_path {
    size_t bytes;
    char text[MALLOW_PROFILE_SHARED_MAX];
};

/* Returns how many bytes at the beginning of the path the previous one has, too, and replaces that
 * one. */
static inline size_t profile_path_share(struct profile_path *last, const char *path, size_t bytes) {
    size_t shared = 0, max = min_size(bytes, last->bytes);
    while (shared < max && path[shared] == last->text[shared]) shared++;
    last->bytes = min_size(bytes, MALLOW_PROFILE_SHARED_MAX);
    memcpy(last->text + shared, path + shared, last->bytes - shared);
    return shared;
}

#endif
