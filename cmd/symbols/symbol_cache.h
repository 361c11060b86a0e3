/*
 * Functions and lines that were found before, in one file for each build ID.
 *
 * The files are in $XDG_CACHE_HOME/mallow or ~/.cache/mallow, and contain text. A file with a wrong
 * checksum is ignored. A file is written to a temporary file and renamed, so processes that read or
 * write at the same time do not disturb each other. If the directory grows beyond a limit, the
 * files that were not written for the longest time are removed.
 */
#ifndef MALLOW_SYMBOL_CACHE_H
#define MALLOW_SYMBOL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/symbols.h"

struct symbol_cache;

/* Opens the cache for a file with that build ID. */
struct symbol_cache *symbol_cache_open(const unsigned char *id, size_t id_bytes);

/* Stores the functions of a place in the file. Returns false if the place is not in the cache. */
bool symbol_cache_find(struct symbol_cache *cache, uint64_t place, struct symbol_list *list);

/* Adds a place that is not in the cache. */
void symbol_cache_add(struct symbol_cache *cache, uint64_t place, const struct symbol_list *list);

/* Writes what was added. A failure has no consequence: the places are looked up again. */
void symbol_cache_close(struct symbol_cache *cache);

#endif
