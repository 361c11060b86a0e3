/*
 * Chooses the pages of guarded blocks: upwards, one place after the other, and from the bottom
 * again when the range ends, over places of blocks that were freed long ago.
 */
#ifndef MALLOW_GUARD_PLACE_H
#define MALLOW_GUARD_PLACE_H

#include <stddef.h>

struct guard_record;

/* Returns a record without life for a block of `pages` accessible pages, the first of them aligned
 * to `align` bytes, or NULL when there is no place. All its pages are inaccessible, and read as
 * zero once they are accessible. The caller passes it to guard_place_keep or guard_table_refuse
 * next. guard_lock must be held. */
struct guard_record *guard_place_take(size_t pages, size_t align);

/* Gives the record its place, once its pages are accessible. guard_lock must be held. */
void guard_place_keep(struct guard_record *record);

#endif
