/*
 * The records of guarded blocks, and the index that leads from a page to its record.
 *
 * A record owns the pages of its block and the inaccessible page after them. The page before a
 * block is therefore inaccessible, too: it is the first page of the range, the last page of another
 * record, or has no owner. A freed block keeps its record and its pages, which are inaccessible and
 * without memory, until the record or the place is needed.
 *
 * guard_lock must be held, except where a function says otherwise.
 */
#ifndef MALLOW_GUARD_TABLE_H
#define MALLOW_GUARD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard/guard_range.h"
#include "guard/guard_record.h"

/* A place is reused only after this many other blocks were freed, or fewer if the block is large
 * (guard_table_may_reuse). */
#define GUARD_REUSE_DISTANCE 256u

/* Returns the record that owns the page that p lies in, or NULL. May be called without the lock for
 * a block that is in use. */
struct guard_record *guard_table_owner(const void *p);

/* Returns the record that owns the page with this number, or NULL. */
struct guard_record *guard_table_owner_of(size_t page);

/* Returns the record of the live block that begins at p, or NULL. */
struct guard_record *guard_table_live_at(const void *p);

/* Returns the n-th record, counted from 1, or NULL after the last one. */
struct guard_record *guard_table_record(uint32_t n);

/* Return the addresses of the record's first page, and of its last one, which is inaccessible. */
char *guard_table_start(const struct guard_record *record);
char *guard_table_end(const struct guard_record *record);

/* Returns true if p lies in one of the record's pages other than the last. */
bool guard_table_is_inside(const struct guard_record *record, const void *p);

/* Returns a page number. This page and all later ones never had an owner. */
size_t guard_table_high(void);

/* Returns the number of blocks that were freed so far. */
uint64_t guard_table_frees(void);

/* Takes a record that has no block: an unused or a new one if possible, or else that of the block
 * that was freed first. Returns its number, or 0 when there is none. */
uint32_t guard_table_take(void);

/* Makes the record the owner of its pages. */
void guard_table_own(const struct guard_record *record);

/* Takes back a record that got no pages. */
void guard_table_refuse(struct guard_record *record);

/* Called after the block was freed. Appends its record to the list of freed ones. */
void guard_table_release(struct guard_record *record);

/* Returns true if another block may get the pages of this freed one. */
bool guard_table_may_reuse(const struct guard_record *record);

/* Forgets a freed block, but keeps its record in the list. */
void guard_table_forget(struct guard_record *record);

/* Makes the first pages of a record inaccessible and gives their memory back. */
void guard_table_close(struct guard_record *record, uint32_t pages);

/* Called after the holder of guard_lock has gone. */
void guard_table_repair(void);

#endif
