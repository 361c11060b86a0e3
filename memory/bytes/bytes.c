#include "mallow/bytes.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/failure.h"

/* Exists only if Mallow is the process's malloc. Returns the number of bytes from p to the end of
 * its block, or SIZE_MAX if p is in no block. */
extern size_t mallow_check_limit(const void *p, const void *caller) __attribute__((weak));

static size_t bytes_room(const void *p, size_t room) {
    if (mallow_check_limit == NULL) return room;
    size_t limit = mallow_check_limit(p, __builtin_return_address(0));
    return limit < room ? limit : room;
}

/* Returns MALLOW_OK if the function may access `bytes` bytes at p. */
static enum mallow_result bytes_check(const char *function, const void *p, size_t room,
                                      size_t bytes) {
    if (bytes == 0) return MALLOW_OK;
    if (p == NULL)
        return failure_set(
            (struct mallow_error){.result = MALLOW_BAD_ARGUMENT, .function = function});
    room = bytes_room(p, room);
    if (bytes <= room) return MALLOW_OK;
    return failure_set((struct mallow_error){
        .result = MALLOW_NO_ROOM, .function = function, .wanted = bytes, .maximum = room});
}
#define CHECK(p, room, bytes)                                                     \
    do {                                                                          \
        enum mallow_result checked = bytes_check(__func__, (p), (room), (bytes)); \
        if (checked != MALLOW_OK) return checked;                                 \
    } while (0)

static bool bytes_overlap(const void *a, const void *b, size_t bytes) {
    uintptr_t start_a = (uintptr_t)a, start_b = (uintptr_t)b;
    return start_a - start_b < bytes || start_b - start_a < bytes;
}

enum mallow_result mallow_copy(void *to, size_t room, const void *from, size_t bytes) {
    CHECK(to, room, bytes);
    CHECK(from, SIZE_MAX, bytes);
    if (bytes == 0) return MALLOW_OK;
    if (bytes_overlap(to, from, bytes)) return FAIL(MALLOW_BAD_ARGUMENT);
    memcpy(to, from, bytes);
    return MALLOW_OK;
}

enum mallow_result mallow_move(void *to, size_t room, const void *from, size_t bytes) {
    CHECK(to, room, bytes);
    CHECK(from, SIZE_MAX, bytes);
    if (bytes != 0) memmove(to, from, bytes);
    return MALLOW_OK;
}

enum mallow_result mallow_append(void **at, size_t *room, const void *from, size_t bytes) {
    if (at == NULL || room == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    enum mallow_result result = mallow_copy(*at, *room, from, bytes);
    if (result != MALLOW_OK) return result;
    if (bytes != 0) *at = (char *)*at + bytes;
    *room -= bytes;
    return MALLOW_OK;
}

enum mallow_result mallow_copy_until(void *to, size_t room, const void *from, size_t bytes,
                                     unsigned char stop, size_t *copied) {
    if (copied == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    CHECK(from, SIZE_MAX, bytes);
    const char *found = bytes == 0 ? NULL : memchr(from, stop, bytes);
    size_t wanted = found == NULL ? bytes : (size_t)(found - (const char *)from) + 1;
    enum mallow_result result = mallow_copy(to, room, from, wanted);
    if (result != MALLOW_OK) return result;
    *copied = wanted;
    return found == NULL ? MALLOW_NOT_FOUND : MALLOW_OK;
}

enum mallow_result mallow_fill(void *to, size_t room, unsigned char value, size_t bytes) {
    CHECK(to, room, bytes);
    if (bytes != 0) memset(to, value, bytes);
    return MALLOW_OK;
}

enum mallow_result mallow_wipe(void *to, size_t room, size_t bytes) {
    CHECK(to, room, bytes);
    if (bytes != 0) explicit_bzero(to, bytes);
    return MALLOW_OK;
}

static enum mallow_result bytes_answer(const void *in, const void *found, size_t *index) {
    if (found == NULL) return MALLOW_NOT_FOUND;
    *index = (size_t)((const char *)found - (const char *)in);
    return MALLOW_OK;
}

enum mallow_result mallow_find(const void *in, size_t room, size_t bytes, unsigned char value,
                               size_t *index) {
    if (index == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    CHECK(in, room, bytes);
    return bytes_answer(in, bytes == 0 ? NULL : memchr(in, value, bytes), index);
}

enum mallow_result mallow_find_last(const void *in, size_t room, size_t bytes, unsigned char value,
                                    size_t *index) {
    if (index == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    CHECK(in, room, bytes);
    return bytes_answer(in, bytes == 0 ? NULL : memrchr(in, value, bytes), index);
}

enum mallow_result mallow_find_block(const void *in, size_t room, size_t bytes, const void *block,
                                     size_t block_bytes, size_t *index) {
    if (index == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    CHECK(in, room, bytes);
    CHECK(block, SIZE_MAX, block_bytes);
    if (block_bytes == 0) return *index = 0, MALLOW_OK;
    return bytes_answer(in, bytes == 0 ? NULL : memmem(in, bytes, block, block_bytes), index);
}

enum mallow_result mallow_compare(const void *a, const void *b, size_t room, size_t bytes,
                                  int *order) {
    if (order == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    CHECK(a, room, bytes);
    CHECK(b, room, bytes);
    int compared = bytes == 0 ? 0 : memcmp(a, b, bytes);
    *order = (compared > 0) - (compared < 0);
    return MALLOW_OK;
}

/* Combines the differences of all bytes, so that the time does not depend on where they are. */
bool mallow_equal(const void *a, const void *b, size_t bytes) {
    if (bytes != 0 && (a == NULL || b == NULL)) return false;
    const volatile unsigned char *left = a, *right = b;
    unsigned differences = 0;
    for (size_t i = 0; i < bytes; i++) differences |= (unsigned)(left[i] ^ right[i]);
    return differences == 0;
}
