/* Pointers into the inside of a block that are all that a correct program keeps of it. For the copy
 * of the process alone. */
#ifndef MALLOW_LEAK_INSIDE_H
#define MALLOW_LEAK_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "leak/leak_blocks.h"

/*
 * Whether an address within the block is where programs are given it from the start:
 * - behind a count or a length of 8 bytes, which fits the block: what new[] gives for elements with
 *   a destructor, and many wrappers of malloc;
 * - with the block's start in the word before it or the one after it: what is aligned by hand, as
 *   the dynamic linker does;
 * - at an object of a base class, by the virtual tables there and at the block's start: what a
 *   pointer to a second base class is.
 */
bool leak_is_as_start(const struct leak_block *block, uintptr_t address);

#endif
