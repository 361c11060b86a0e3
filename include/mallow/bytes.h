/*
 * The memory functions of <string.h> with bounds: an additional argument limits what they access,
 * and they return an error where <string.h> has undefined behaviour.
 *
 * `room` is the number of bytes from the pointer to the end of the object, and `bytes` is the
 * number of bytes to work on. If `bytes` exceeds `room`, the function does nothing and returns
 * MALLOW_NO_ROOM. If Mallow is the process's malloc and a pointer lies in one of its blocks, the
 * end of the block is a limit as well, also for a source. To use only this limit, pass SIZE_MAX as
 * room.
 *
 *     <string.h>          this header          <string.h>   this header
 *     ----------          -----------          ----------   -----------
 *     memcpy              mallow_copy          memchr       mallow_find
 *     mempcpy             mallow_append        memrchr      mallow_find_last
 *     memccpy             mallow_copy_until    memmem       mallow_find_block
 *     memmove, bcopy      mallow_move          memcmp       mallow_compare
 *     memset, bzero       mallow_fill          bcmp         mallow_equal
 *     explicit_bzero      mallow_wipe          memfrob      none: it hides nothing
 *
 * All functions except mallow_equal return MALLOW_BAD_ARGUMENT (EINVAL) if a pointer is NULL, and
 * MALLOW_NO_ROOM (ERANGE) if there is not enough room. They then have written nothing. A pointer to
 * 0 bytes may have any value, including NULL. All functions are thread-safe if no other thread
 * changes the bytes, and they may be called in signal handlers.
 */
#ifndef MALLOW_BYTES_H
#define MALLOW_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include <mallow/result.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Copies `bytes` bytes; see memcpy(3). Returns MALLOW_BAD_ARGUMENT if the objects overlap. */
enum mallow_result mallow_copy(void *to, size_t room, const void *from, size_t bytes);

/* Copies `bytes` bytes between objects that may overlap; see memmove(3). */
enum mallow_result mallow_move(void *to, size_t room, const void *from, size_t bytes);

/* Copies `bytes` bytes to *at like mallow_copy, adds `bytes` to *at and subtracts it from *room;
 * see mempcpy(3). If it fails, both are unchanged. */
enum mallow_result mallow_append(void **at, size_t *room, const void *from, size_t bytes);

/* Copies `bytes` bytes, but ends after the first byte that equals `stop`, and stores the number of
 * copied bytes in *copied; see memccpy(3). Only the copied bytes need room. Returns
 * MALLOW_NOT_FOUND, with errno unchanged, if it copied all bytes and none equals `stop`. */
enum mallow_result mallow_copy_until(void *to, size_t room, const void *from, size_t bytes,
                                     unsigned char stop, size_t *copied);

/* Sets `bytes` bytes to `value`; see memset(3). */
enum mallow_result mallow_fill(void *to, size_t room, unsigned char value, size_t bytes);

/* Sets `bytes` bytes to 0 even if they are never read again; see explicit_bzero(3). No compiler
 * removes the call. */
enum mallow_result mallow_wipe(void *to, size_t room, size_t bytes);

/* Search the first `bytes` bytes and store the index of the first (last) one that equals `value` in
 * *index; see memchr(3) and memrchr(3). Return MALLOW_NOT_FOUND, with errno and *index unchanged,
 * if none does. */
enum mallow_result mallow_find(const void *in, size_t room, size_t bytes, unsigned char value,
                               size_t *index);
enum mallow_result mallow_find_last(const void *in, size_t room, size_t bytes, unsigned char value,
                                    size_t *index);

/* Searches for the `block_bytes` bytes at `block` and stores the index of their first occurrence in
 * *index; see memmem(3). An empty block occurs at index 0. Returns MALLOW_NOT_FOUND, with errno and
 * *index unchanged, if they do not occur. */
enum mallow_result mallow_find_block(const void *in, size_t room, size_t bytes, const void *block,
                                     size_t block_bytes, size_t *index);

/* Compares `bytes` bytes and stores -1, 0 or 1 in *order if the bytes at `a` are less than, equal
 * to or greater than those at `b`; see memcmp(3). `room` is the room of the smaller object. */
enum mallow_result mallow_compare(const void *a, const void *b, size_t room, size_t bytes,
                                  int *order);

/* Returns true if the `bytes` bytes at `a` and at `b` are equal. The time does not depend on where
 * they differ, so the function can compare secrets. Returns false if a pointer is NULL and bytes is
 * not 0. Checks no room, never fails, and leaves errno unchanged. */
bool mallow_equal(const void *a, const void *b, size_t bytes);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
