#include "profile/profile_mappings.h"

#include <stdbool.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "profile/profile_block.h"
#include "profile/profile_maps.h"
#include "profile/profile_path.h"

static uint64_t profile_mappings_end; /* of the last record of the block, or 0 */

/* Begins a record, with the difference of the start from the end of the previous one. Returns true
 * if it is the first record of its block. */
static bool profile_mappings_begin(enum mallow_profile_type type, size_t max, uint64_t start,
                                   uint64_t end) {
    bool is_first = profile_block_record(type, max);
    profile_block_add_difference(start, is_first ? 0 : profile_mappings_end);
    profile_mappings_end = end;
    return is_first;
}

/* ---- mappings ---- */

#define MAPPING_NUMBERS (6 + MALLOW_PROFILE_MAPPING_FIGURES)
#define MAPPING_PATH_BYTES ((size_t)4 * KIB)
_Static_assert(MALLOW_PROFILE_RESIDENT << (MALLOW_PROFILE_MAPPING_FIGURES - 1) ==
                   MALLOW_PROFILE_LOCKED,
               "the figures have consecutive bits");

static UNTOUCHED struct profile_path profile_mappings_path;

static unsigned profile_mappings_parts(const struct profile_mapping *mapping) {
    unsigned parts = 0;
    if (mapping->readable) parts |= MALLOW_PROFILE_READABLE;
    if (mapping->writable) parts |= MALLOW_PROFILE_WRITABLE;
    if (mapping->executable) parts |= MALLOW_PROFILE_EXECUTABLE;
    if (mapping->shared) parts |= MALLOW_PROFILE_SHARED;
    if (mapping->is_measured) parts |= MALLOW_PROFILE_MEASURED;
    for (unsigned i = 0; i < MALLOW_PROFILE_MAPPING_FIGURES; i++)
        if (mapping->kib[i] != 0) parts |= (unsigned)MALLOW_PROFILE_RESIDENT << i;
    return parts;
}

static void profile_mappings_add(void *to, const struct profile_mapping *mapping) {
    size_t path = min_size(mapping->path_bytes, MAPPING_PATH_BYTES), shared = 0;
    size_t max = MAPPING_NUMBERS * PROFILE_NUMBER_MAX + path;
    (void)to;
    if (profile_mappings_begin(MALLOW_PROFILE_MAPPINGS, max, mapping->start, mapping->end))
        profile_mappings_path.bytes = 0;
    if (path != 0) shared = profile_path_share(&profile_mappings_path, mapping->path, path);
    profile_block_add_number(mapping->end - mapping->start);
    profile_block_add_number(profile_mappings_parts(mapping));
    profile_block_add_number(mapping->offset);
    for (unsigned i = 0; i < MALLOW_PROFILE_MAPPING_FIGURES; i++)
        if (mapping->kib[i] != 0) profile_block_add_number(mapping->kib[i]);
    profile_block_add_number(shared);
    profile_block_add_number(path - shared);
    profile_block_add_bytes(mapping->path + shared, path - shared);
}

void profile_mappings_write(bool measured) {
    (measured ? profile_maps_measure : profile_maps_each)(profile_mappings_add, NULL);
}

/* ---- ranges ---- */

static void profile_mappings_add_range(void *to, enum mallow_profile_range_use use, uintptr_t start,
                                       uintptr_t end) {
    (void)to;
    profile_mappings_begin(MALLOW_PROFILE_RANGES, 3 * PROFILE_NUMBER_MAX, start, end);
    profile_block_add_number(end - start);
    profile_block_add_number(use);
}

void profile_ranges_write(void) { profile_each_range(profile_mappings_add_range, NULL); }

/* ---- pages ---- */

/* 256 MiB of pages. To look at so many takes 30 ms if each is full of small blocks, and a picture
 * shows no more. */
#define PAGES_MOST ((size_t)1 << 16)

static void profile_mappings_add_pages(void *to, enum mallow_profile_page_use use, uintptr_t start,
                                       size_t pages) {
    (void)to;
    profile_mappings_begin(MALLOW_PROFILE_PAGES, 2 * PROFILE_NUMBER_MAX, start,
                           start + pages * 4096);
    profile_block_add_number((uint64_t)pages * 16 + use);
}

void profile_pages_write(void) { profile_each_page(PAGES_MOST, profile_mappings_add_pages, NULL); }
