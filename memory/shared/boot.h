/*
 * An identity of the running kernel. A file heap that is open stores it. The next process can then
 * distinguish a process that was killed from a system that went down, which may have lost pages of
 * the file.
 */
#ifndef MALLOW_BOOT_H
#define MALLOW_BOOT_H

#include <stdbool.h>
#include <stdint.h>

/* Returns the identity, or a fixed value if it is unknown. Never returns 0. */
uint64_t boot_now(void);

/* Returns true if the value belongs to another running kernel. Returns false if one of the two is
 * unknown. */
bool boot_is_other(uint64_t boot);

/* Returns true if boot_now can have returned the value, and false if a byte of it was changed. */
bool boot_is_valid(uint64_t boot);

#endif
