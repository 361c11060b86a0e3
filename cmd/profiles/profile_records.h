/* Decodes the records of a block (mallow_profile.h), one after the other. */
#ifndef MALLOW_PROFILE_RECORDS_H
#define MALLOW_PROFILE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow_profile.h"
#include "profiles/profile_blocks.h"

/* Reads the bytes of a block: `at` is the next one. */
struct profile_cursor {
    const unsigned char *at, *end;
    bool failed; /* a record was incomplete: it and what follows is lost */
};

struct profile_cursor profile_cursor_of(const struct profile_block *block);

/* Return true if bytes are left. */
static inline bool profile_has_more(const struct profile_cursor *cursor) {
    return !cursor->failed && cursor->at < cursor->end;
}

/* Read one part of a record. At the end of the block they return 0 or NULL, and the cursor has
 * failed. */
uint64_t profile_next_number(struct profile_cursor *cursor);
uint64_t profile_next_value(struct profile_cursor *cursor, uint64_t before); /* a difference */
double profile_next_estimate(struct profile_cursor *cursor);
const unsigned char *profile_next_bytes(struct profile_cursor *cursor, uint64_t count);

/* Read a record, given the previous one of the block: zeros at first, and see mallow_profile.h for
 * LIVE. Return false after the last whole record. */
bool profile_next_node(struct profile_cursor *cursor, struct mallow_profile_node *node);
bool profile_next_thread(struct profile_cursor *cursor, struct mallow_profile_thread *thread);
bool profile_next_site(struct profile_cursor *cursor, struct mallow_profile_site *site);
bool profile_next_live(struct profile_cursor *cursor, struct mallow_profile_live *live);
bool profile_next_pinned(struct profile_cursor *cursor, struct mallow_profile_pinned *pinned);

/* A record of SETTINGS or FILES: two texts, which no zero ends. */
struct profile_pair {
    const unsigned char *key, *value;
    size_t key_bytes, value_bytes;
};
bool profile_next_pair(struct profile_cursor *cursor, struct profile_pair *pair);

/* A record of MAPPINGS. */
struct profile_mapping {
    uint64_t start, end, offset;
    unsigned parts;
    uint64_t kib[MALLOW_PROFILE_MAPPING_FIGURES];
    char path[4097]; /* of this record or, with path_bytes == 0, of an earlier one */
    size_t path_bytes;
};
bool profile_next_mapping(struct profile_cursor *cursor, struct profile_mapping *mapping);

/* A record of RANGES or PAGES. */
struct profile_area {
    uint64_t start, end;
    unsigned use;
};
bool profile_next_range(struct profile_cursor *cursor, struct profile_area *range);
bool profile_next_pages(struct profile_cursor *cursor, struct profile_area *pages);

#endif
