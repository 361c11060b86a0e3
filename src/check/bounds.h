/*
 * The functions of libmallow.so that libmallow-check.so calls, which wraps memory functions of
 * libc. It refers to them weakly: in a process without the allocator it checks nothing.
 */
#ifndef MALLOW_BOUNDS_H
#define MALLOW_BOUNDS_H

#include <stddef.h>

/* Returns the number of bytes from p to the end of its block. This is 0 if the block was freed or p
 * lies in a redzone. It is SIZE_MAX if p lies in no known block, or if `caller` is an address in
 * the library's own code, which also accesses memory outside blocks and may hold locks. Keeps
 * errno. */
size_t mallow_check_limit(const void *p, const void *caller);

/* Sets the bounds of the code of libmallow-check.so, whose frames are left out of reports. */
void mallow_check_begin(const void *start, const void *end);

enum mallow_access {
    MALLOW_READ,
    MALLOW_WRITE,
    MALLOW_STRING,  /* the string that is read or appended to does not end within its block */
    MALLOW_OVERLAP, /* `length` bytes are copied from `from` to p, and the two areas overlap */
};

/* An access that a function was about to make. */
struct mallow_failure {
    const char *function; /* "__NAME_chk" is reported as NAME */
    const void *caller;   /* the return address of its call */
    enum mallow_access access;
    const void *p, *from;
    size_t length; /* bytes */
};

/* Reports the failure. Returns if the settings say that errors do not end the process. */
void mallow_check_failed(const struct mallow_failure *failure);

#endif
