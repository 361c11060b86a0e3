/* Whose heap the program uses: it, a sanitizer inside it or a library before this one may have a
 * malloc of its own. */
#ifndef MALLOW_PROGRAM_HEAP_H
#define MALLOW_PROGRAM_HEAP_H

#include <stdbool.h>

/* Whether the program's calls of malloc reach this library, perhaps through others that wrap it.
 * Asks the loader, and may allocate a block and free it: not from within an allocation. */
bool program_heap_is_ours(void);

#endif
