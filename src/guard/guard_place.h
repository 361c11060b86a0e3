/*
 * Chooses the pages of guarded blocks. Places follow one another upwards. At the end of the range,
 * the search begins again at the bottom and reuses the places of blocks that were freed long ago.
 */
#ifndef MALLOW_GUARD_PLACE_H
#define MALLOW_GUARD_PLACE_H

#include <stddef.h>

struct guard_record;

/* Returns a record in the state LIFE_NONE for a block of `pages` accessible pages, the first of
 * which is aligned to `align` bytes, or NULL if there is no place. All its pages are still
 * inaccessible, and read as zero once they become accessible. The caller must then pass the record
 * to guard_place_keep or guard_table_refuse. guard_lock must be held. */
struct guard_record *guard_place_take(size_t pages, size_t align);

/* Makes the record the owner of its place. Called when its pages are accessible. guard_lock must be
 * held. */
void guard_place_keep(struct guard_record *record);

#endif
