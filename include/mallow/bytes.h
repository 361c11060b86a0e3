/*
 * Functions on bytes that know the room they work in: the memory functions of <string.h>, with one
 * more argument and an error in place of undefined behaviour.
 *
 * `room` is the number of bytes of the object from the pointer on, and `bytes` the number of bytes
 * to work on. If there are more bytes than room, the function does nothing and returns
 * MALLOW_NO_ROOM. If Mallow is the process's malloc, and the pointer lies in one of its blocks, the
 * end of that block limits the room as well. SIZE_MAX as room means "as much as the block has".
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
 * All functions return MALLOW_BAD_ARGUMENT (EINVAL) for NULL with bytes other than 0, and
 * MALLOW_NO_ROOM (ERANGE), and then have written nothing. With 0 bytes every pointer is valid, also
 * NULL. All are thread-safe as far as the bytes are not shared, and may be called in signal
 * handlers.
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

/* Copies `bytes` bytes; see memcpy(3). The objects must not overlap: MALLOW_BAD_ARGUMENT. */
enum mallow_result mallow_copy(void *to, size_t room, const void *from, size_t bytes);

/* Copies `bytes` bytes between objects that may overlap; see memmove(3). */
enum mallow_result mallow_move(void *to, size_t room, const void *from, size_t bytes);

/* Copies `bytes` bytes to *at like mallow_copy, advances *at by them and reduces *room; see
 * mempcpy(3). Leaves both unchanged after a failure. */
enum mallow_result mallow_append(void **at, size_t *room, const void *from, size_t bytes);

/* Copies up to and including the first byte `stop` among the first `bytes`, or all of them, and
 * stores their number in *copied; see memccpy(3). Only what is copied needs room. Returns
 * MALLOW_NOT_FOUND, with errno unchanged, if all were copied and none was `stop`. */
enum mallow_result mallow_copy_until(void *to, size_t room, const void *from, size_t bytes,
                                     unsigned char stop, size_t *copied);

/* Sets `bytes` bytes to `value`; see memset(3). */
enum mallow_result mallow_fill(void *to, size_t room, unsigned char value, size_t bytes);

/* Sets `bytes` bytes to 0 even if they are never read again; see explicit_bzero(3). No compiler
 * removes the call. */
enum mallow_result mallow_wipe(void *to, size_t room, size_t bytes);

/* Stores the index of the first (last) byte `value` among the first `bytes` in *index; see
 * memchr(3) and memrchr(3). Returns MALLOW_NOT_FOUND, with errno and *index unchanged, if there is
 * none. */
enum mallow_result mallow_find(const void *in, size_t room, size_t bytes, unsigned char value,
                               size_t *index);
enum mallow_result mallow_find_last(const void *in, size_t room, size_t bytes, unsigned char value,
                                    size_t *index);

/* Stores the index of the first occurrence of the `block_bytes` bytes at `block` in *index; see
 * memmem(3). An empty block occurs at index 0. Returns MALLOW_NOT_FOUND, with errno and *index
 * unchanged, if there is none. */
enum mallow_result mallow_find_block(const void *in, size_t room, size_t bytes, const void *block,
                                     size_t block_bytes, size_t *index);

/* Compares `bytes` bytes and stores -1, 0 or 1 in *order, as the bytes at `a` are less than, equal
 * to or greater than those at `b`; see memcmp(3). `room` is that of the smaller object. */
enum mallow_result mallow_compare(const void *a, const void *b, size_t room, size_t bytes,
                                  int *order);

/* Returns true if `bytes` bytes at both pointers are equal. Takes the same time wherever they
 * differ, so it can compare secrets. Returns false if a pointer is NULL and bytes is not 0. Does
 * not fail, and leaves errno unchanged. */
bool mallow_equal(const void *a, const void *b, size_t bytes);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
