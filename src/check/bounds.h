/*
 * What libmallow-check.so, whose functions stand before those of libc, asks of libmallow.so. It
 * refers to both weakly: in a process without the allocator it checks nothing.
 */
#ifndef MALLOW_BOUNDS_H
#define MALLOW_BOUNDS_H

#include <stddef.h>

/* Bytes from p to the end of the block that it lies in: none when the block was freed, or when p
 * is in a redzone; SIZE_MAX when p is in no block that we know, or when `caller` is code of the
 * library, which works beside blocks too, and while it holds locks. Keeps errno. */
size_t mallow_check_limit(const void *p, const void *caller);

/* Where the code of libmallow-check.so is: its frames are left out of reports. */
void mallow_check_begin(const void *start, const void *end);

enum mallow_access {
    MALLOW_READ,
    MALLOW_WRITE,
    MALLOW_STRING,  /* read as a string, or written behind one: it has no end in its block */
    MALLOW_OVERLAP, /* `length` bytes are copied from `from` to p, which share some */
};

/* What a function was about to do. */
struct mallow_failure {
    const char *function; /* "__NAME_chk" is reported as NAME */
    const void *caller;   /* where it returns to */
    enum mallow_access access;
    const void *p, *from;
    size_t length; /* bytes */
};

/* Reports it, and aborts or returns as the settings have it. */
void mallow_check_failed(const struct mallow_failure *failure);

#endif
