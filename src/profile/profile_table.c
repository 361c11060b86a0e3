#include "profile/profile_table.h"

#include <stdbool.h>
#include <string.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "os/os.h"

#define FIRST_PLACES 1024u
#define HASH_IN_USE ((uint32_t)1 << 31)

static struct table_link *table_link_of(const struct table *table, uint32_t n) {
    MALLOW_ASSERT(n != 0 && n <= table->high);
    return table_at(table, n);
}

void *table_used(const struct table *table, uint32_t n) {
    struct table_link *link = table_link_of(table, n);
    return link->hash == 0 ? NULL : link;
}

uint32_t table_hash(uint64_t key) {
    key *= 0x9e3779b97f4a7c15u;
    key ^= key >> 32;
    key *= 0xd6e8feb86659fd93u;
    return (uint32_t)(key >> 32) | HASH_IN_USE;
}

static uint32_t table_matching(const struct table *table, uint32_t n, uint32_t hash) {
    while (n != 0 && table_link_of(table, n)->hash != hash) n = table_link_of(table, n)->next;
    return n;
}

uint32_t table_first(const struct table *table, uint32_t hash) {
    return table->index == NULL ? 0 : table_matching(table, table->index[hash & table->mask], hash);
}

uint32_t table_next(const struct table *table, uint32_t n) {
    const struct table_link *link = table_link_of(table, n);
    return table_matching(table, link->next, link->hash);
}

/* ---- the index ---- */

static void table_add_to_index(struct table *table, uint32_t n) {
    struct table_link *link = table_link_of(table, n);
    uint32_t *place = &table->index[link->hash & table->mask];
    link->next = *place;
    *place = n;
}

size_t table_index_bytes(uint32_t places) {
    return round_up(places * sizeof(uint32_t), os_page_size());
}

static void table_fill_index(struct table *table) {
    for (uint32_t n = 1; n <= table->high; n++)
        if (table_link_of(table, n)->hash != 0) table_add_to_index(table, n);
}

/* Doubles the index. If there is no memory, the lists become longer. */
static bool table_grow_index(struct table *table) {
    uint32_t before = table->index == NULL ? 0 : table->mask + 1;
    uint32_t places = before == 0 ? FIRST_PLACES : 2 * before, *old = table->index;
    uint32_t *index = os_map(table_index_bytes(places));
    if (index == NULL) return old != NULL;
    table->index = index;
    signal_order(); /* the index always has at least as many places as the mask allows */
    table->mask = places - 1;
    table_fill_index(table);
    if (old != NULL) os_unmap(old, table_index_bytes(before));
    return true;
}

/* ---- entries ---- */

size_t table_chunk_bytes(const struct table *table) {
    return round_up(TABLE_CHUNK_ENTRIES * table->entry_bytes, os_page_size());
}

static bool table_has_memory(struct table *table, uint32_t n) {
    if (n / TABLE_CHUNK_ENTRIES >= TABLE_CHUNKS) return false;
    char **chunk = &table->chunks[n / TABLE_CHUNK_ENTRIES];
    if (*chunk == NULL) *chunk = os_map(table_chunk_bytes(table));
    return *chunk != NULL;
}

static uint32_t table_take_free(struct table *table) {
    uint32_t n = table->free;
    if (n != 0) table->free = table_link_of(table, n)->next;
    return n;
}

uint32_t table_take(struct table *table) {
    if ((table->index == NULL || table->count > table->mask) && !table_grow_index(table)) return 0;
    uint32_t n = table_take_free(table);
    if (n != 0) return n;
    return table_has_memory(table, table->high + 1) ? ++table->high : 0;
}

void table_insert(struct table *table, uint32_t n, uint32_t hash) {
    MALLOW_ASSERT((hash & HASH_IN_USE) != 0);
    struct table_link *link = table_link_of(table, n);
    MALLOW_ASSERT(link->hash == 0);
    signal_order(); /* an entry in use is complete */
    link->hash = hash;
    table_add_to_index(table, n);
    table->count++;
}

static void table_release(struct table *table, uint32_t n) {
    struct table_link *link = table_link_of(table, n);
    link->hash = 0;
    link->next = table->free;
    table->free = n;
}

void table_remove(struct table *table, uint32_t n) {
    uint32_t *place = &table->index[table_link_of(table, n)->hash & table->mask];
    while (*place != n) place = &table_link_of(table, *place)->next;
    *place = table_link_of(table, n)->next;
    table_release(table, n);
    table->count--;
}

RARE void table_clear(struct table *table) {
    for (uint32_t n = 1; n <= table->high; n++) table_link_of(table, n)->hash = 0;
    table_repair(table);
}

RARE void table_repair(struct table *table) {
    table->count = table->free = 0;
    if (table->index == NULL) return;
    memset(table->index, 0, table_index_bytes(table->mask + 1));
    for (uint32_t n = 1; n <= table->high; n++) {
        if (table_link_of(table, n)->hash == 0) {
            table_release(table, n);
        } else {
            table_add_to_index(table, n);
            table->count++;
        }
    }
}
