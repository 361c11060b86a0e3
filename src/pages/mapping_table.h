/*
 * The table of the blocks with a mapping of their own (mapping.h). Any thread may call any of these
 * functions at any time; none waits for a lock.
 */
#ifndef MALLOW_MAPPING_TABLE_H
#define MALLOW_MAPPING_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct mapping {
    char *block;  /* the pointer that the program has */
    char *start;  /* start of the mapping: lower than `block` if the alignment demands it */
    size_t bytes; /* of the mapping */
};

/* Returns false only if p lies in no mapping. Two comparisons exclude most other addresses. */
bool mapping_may_hold(const void *p);

/* Finds the mapping that p lies in. Returns false if there is none. */
bool mapping_around(const void *p, struct mapping *found);

/* Finds the mapping that is nearest to p, if p lies in none and is less than a quarter of that
 * mapping's length away from it. Nothing else is mapped there (mapping_place.h), so this explains
 * faults. */
bool mapping_beside(const void *p, struct mapping *found);

/* Calls the function for each mapping, with `to`. No mapping is missed in a copied process without
 * other threads. */
void mapping_each(void (*call)(void *to, const struct mapping *mapping), void *to);

/* ---- for mapping.c ---- */

struct mapping_table;
struct mapping_entry;

/* Reserves an entry in some table, or returns NULL if there is no memory. The caller then places a
 * block there or unreserves the entry. */
struct mapping_table *mapping_table_reserve(void);
void mapping_table_unreserve(struct mapping_table *table);
void mapping_table_place(struct mapping_table *table, char *block, char *start, size_t bytes);

/* Returns the entry of the block, or NULL if no block begins there or it is being moved. */
struct mapping_entry *mapping_table_find(const void *block);

/* Reads an entry. Returns false if it holds no block or changes during the read; the entry of a
 * block that the caller owns does not change. */
bool mapping_entry_read(struct mapping_entry *entry, struct mapping *mapping);

/* Removes the block. Returns false if another thread was first. */
bool mapping_entry_remove(struct mapping_entry *entry, const void *block);

/* Marks the block as being moved, so that no look-up finds it. Returns the length of its mapping in
 * bytes, or 0 if another thread was first. */
size_t mapping_entry_begin_move(struct mapping_entry *entry, const void *block);

/* Ends the move. The mapping has `bytes` bytes and is at `moved`, where the reserved entry of the
 * table then holds it, unless this is `block`. If `moved` is NULL, nothing has changed. */
void mapping_entry_end_move(struct mapping_entry *entry, struct mapping_table *table,
                            const char *block, char *moved, size_t bytes);

#endif
