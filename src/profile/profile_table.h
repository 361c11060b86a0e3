/*
 * Hash tables of numbered entries that grow and never move, for samples and the sums of sites.
 *
 * An entry is a structure that begins with struct table_link. Its number stays the same until it is
 * removed; the numbers begin at 1. The entries are the truth: the index and the list of free
 * entries can be rebuilt from them, after a fork that caught another thread in the middle of a
 * change. Memory comes from the kernel directly, so a table can be used wherever the heap calls
 * higher layers. The caller holds a lock.
 */
#ifndef MALLOW_PROFILE_TABLE_H
#define MALLOW_PROFILE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define TABLE_CHUNK_ENTRIES 4096u
#define TABLE_CHUNKS 4096u

struct table_link {
    uint32_t next; /* the next entry with the same place in the index, or the next free one */
    uint32_t hash; /* 0: the entry is free */
};

struct table {
    size_t entry_bytes;
    uint32_t count;  /* entries in use */
    uint32_t high;   /* no entry after this one was ever used */
    uint32_t free;   /* the first free entry, or 0 */
    uint32_t mask;   /* the number of places in the index, less 1 */
    uint32_t *index; /* the first entry of each place, or 0; NULL: no entry was ever added */
    char **chunks;   /* TABLE_CHUNKS pointers */
};

/* Returns the entry with this number, which must be from 1 to `high`. */
static inline void *table_at(const struct table *table, uint32_t n) {
    return table->chunks[n / TABLE_CHUNK_ENTRIES] + n % TABLE_CHUNK_ENTRIES * table->entry_bytes;
}

/* Returns the entry with this number, or NULL if it is free. */
void *table_used(const struct table *table, uint32_t n);

/* Returns a hash for the other functions from a key. */
uint32_t table_hash(uint64_t key);

/* Return the number of the first entry with this hash, and of the one after `n`; 0: none. The
 * caller compares the keys. */
uint32_t table_first(const struct table *table, uint32_t hash);
uint32_t table_next(const struct table *table, uint32_t n);

/* Returns the number of a free entry, or 0 if there is no memory. The caller fills it and then
 * inserts it. */
uint32_t table_take(struct table *table);
void table_insert(struct table *table, uint32_t n, uint32_t hash);

/* Takes an entry out of the table. */
void table_remove(struct table *table, uint32_t n);

/* Return the bytes that the index takes with so many places, and those of a chunk of entries. */
size_t table_index_bytes(uint32_t places);
size_t table_chunk_bytes(const struct table *table);

/* Removes all entries, and keeps the memory. */
void table_clear(struct table *table);

/* Rebuilds the index and the list of free entries. */
void table_repair(struct table *table);

#endif
