/* Chooses the addresses of mappings, so that addresses that nothing uses follow each of them. An
 * overflow, a wrong index or a pointer to a freed block then faults. */
#ifndef MALLOW_MAPPING_PLACE_H
#define MALLOW_MAPPING_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "os/os.h"

/* Maps zeroed pages, aligned to `align` (a power of two, at least a page), at addresses that were
 * not used before. A quarter of `bytes`, or more, remains free after them. Sets *start if it
 * returns OS_EXTENDED. OS_EXTEND_OCCUPIED: no such place is known. */
enum os_extended mapping_place_map(char **start, size_t bytes, size_t align);

/* Moves a mapping to such a place and resizes it. Returns its new address, or NULL, with the
 * mapping untouched, if that is refused. */
char *mapping_place_move(char *start, size_t before, size_t bytes);

/* True if p lies where only mapping_place_map chooses addresses. */
bool mapping_place_contains(const void *p);

#endif
