/* Pointers into the inside of a block that a correct program may keep instead of its start. Used
 * only in the copy of the process. */
#ifndef MALLOW_LEAK_INSIDE_H
#define MALLOW_LEAK_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "leak/leak_blocks.h"

/*
 * Returns true if a program may use an address in the block instead of the block's start:
 * - after a count or a length of 8 bytes that fits the block, as new[] returns for elements with a
 *   destructor, and as many wrappers of malloc return;
 * - next to a word that contains the block's start, as in memory that is aligned by hand, for
 *   example by the dynamic linker;
 * - at the object of a second base class, which is recognised by virtual tables there and at the
 *   block's start.
 */
bool leak_is_as_start(const struct leak_block *block, uintptr_t address);

#endif
