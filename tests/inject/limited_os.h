/*
 * An operating system that grants a limited number of bytes, as with vm.overcommit_memory=2:
 * writable memory is charged until it is unmapped, even if it is not resident.
 */
#ifndef LIMITED_OS_H
#define LIMITED_OS_H

#include <stdbool.h>
#include <stddef.h>

/* Sets the limit. Memory that was granted before does not count. */
void os_limit(size_t bytes);

/* Charges the bytes. Returns false if they exceed the rest of the limit. */
bool limited_charge(size_t bytes);
void limited_credit(size_t bytes);

/* An inaccessible mapping that was written before stays charged. */
void limited_protected(const void *start);
bool limited_was_protected(const void *start);

#endif
