/*
 * The records of guarded blocks, and the index that leads from a page to its record.
 *
 * A record owns the pages of its block and the inaccessible page after them. So the page before a
 * block is never accessible either: it is the first page of the range, the last page of another
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

/* No place is used again before so many other blocks were freed. */
#define GUARD_REUSE_DISTANCE 256u

/* Returns the record that owns the page p lies in, or NULL. Without the lock it may be called for a
 * block that is in use. */
struct guard_record *guard_table_owner(const void *p);

/* Returns the record that owns the page with this number, or NULL. */
struct guard_record *guard_table_owner_of(size_t page);

/* Returns the record of the live block that begins at p, or NULL. */
struct guard_record *guard_table_live_at(const void *p);

/* Returns the n-th record, n from 1 on; NULL after the last one. */
struct guard_record *guard_table_record(uint32_t n);

/* The record's first page, and its last one, which is inaccessible. */
char *guard_table_start(const struct guard_record *record);
char *guard_table_end(const struct guard_record *record);

/* True if p lies in one of the record's pages but the last. */
bool guard_table_is_inside(const struct guard_record *record, const void *p);

/* Pages from this one on were never owned. */
size_t guard_table_high(void);

/* The number of blocks that were freed so far. */
uint64_t guard_table_frees(void);

/* Takes a record that has no block: an unused or a new one if possible, or else that of the block
 * that was freed first. Returns its number, or 0 when there is none. */
uint32_t guard_table_take(void);

/* Makes the record the owner of its pages. */
void guard_table_own(const struct guard_record *record);

/* Takes back a record that got no pages. */
void guard_table_refuse(struct guard_record *record);

/* The record's block was freed. */
void guard_table_release(struct guard_record *record);

/* True if another block may get the pages of this freed one. */
bool guard_table_may_reuse(const struct guard_record *record);

/* Forgets a freed block, but keeps its record in the list. */
void guard_table_forget(struct guard_record *record);

/* Makes the first pages of a record inaccessible and gives their memory back. */
void guard_table_close(struct guard_record *record, uint32_t pages);

/* In the child of a fork that caught another thread with the lock. */
void guard_table_after_fork(void);

#endif
