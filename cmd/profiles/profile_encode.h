/* Writes the blocks of a profile to memory: the opposite of profile_records.h. */
#ifndef MALLOW_PROFILE_ENCODE_H
#define MALLOW_PROFILE_ENCODE_H

#include "mallow_profile.h"
#include "trace_bytes.h"

/* Initialized to zero. The records of a block are written to `block` first. */
struct profile_encoder {
    struct trace_bytes bytes, block;
    enum mallow_profile_type type;
};

void profile_encode_begin(struct profile_encoder *to, enum mallow_profile_type type);

/* Returns true if the block has so many bytes that the next record belongs to another one. */
bool profile_encode_is_full(const struct profile_encoder *to);

/* Writes the block, unless it is empty and must have records. */
void profile_encode_end(struct profile_encoder *to);

void profile_encode_number(struct profile_encoder *to, uint64_t number);
void profile_encode_difference(struct profile_encoder *to, uint64_t difference);
void profile_encode_estimate(struct profile_encoder *to, double estimate);
void profile_encode_text(struct profile_encoder *to, const void *text, size_t bytes);

/* Write a record, given the previous one of the block, or zeros. */
void profile_encode_site(struct profile_encoder *to, const struct mallow_profile_site *site,
                         const struct mallow_profile_site *before);
void profile_encode_live(struct profile_encoder *to, const struct mallow_profile_live *live,
                         const struct mallow_profile_live *before);

#endif
