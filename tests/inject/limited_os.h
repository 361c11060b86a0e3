/*
 * The operating system grants so many bytes and no more, as with vm.overcommit_memory=2: what can
 * be written is charged, whether it is resident or not, until it is unmapped.
 */
#ifndef LIMITED_OS_H
#define LIMITED_OS_H

#include <stdbool.h>
#include <stddef.h>

/* From now on; what was granted before does not count. */
void os_limit(size_t bytes);

/* False when that is more than what is left. */
bool limited_charge(size_t bytes);
void limited_credit(size_t bytes);

/* An inaccessible mapping that was written before stays charged. */
void limited_protected(const void *start);
bool limited_was_protected(const void *start);

#endif
