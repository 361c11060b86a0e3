/* Finds out which heap the program uses. The program, its sanitizer or a library before this one
 * may have a malloc of its own. */
#ifndef MALLOW_PROGRAM_HEAP_H
#define MALLOW_PROGRAM_HEAP_H

#include <stdbool.h>

/* Returns true if the program's calls of malloc reach this library, perhaps through wrappers. Asks
 * the loader, and may allocate and free a block, so it must not be called during an allocation. */
bool program_heap_is_ours(void);

#endif
