#include "profiles/profile_encode.h"

#include <math.h>
#include <zlib.h>

#include "common/xalloc.h"

#define ENCODE_BLOCK_BYTES ((size_t)1 << 20) /* after which a block ends */

static void profile_encode_reserve(struct trace_bytes *bytes, size_t more) {
    if (!trace_bytes_reserve(bytes, more)) xnonnull(NULL);
}

void profile_encode_begin(struct profile_encoder *to, enum mallow_profile_type type) {
    to->block.count = 0;
    to->type = type;
}

bool profile_encode_is_full(const struct profile_encoder *to) {
    return to->block.count >= ENCODE_BLOCK_BYTES;
}

static void profile_encode_store(uint8_t *to, uint32_t number, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) to[i] = (uint8_t)(number >> 8 * i);
}

void profile_encode_end(struct profile_encoder *to) {
    struct mallow_profile_block head;
    size_t length = to->block.count, covered = sizeof head.length + sizeof head.type;
    if (length == 0 && to->type != MALLOW_PROFILE_DONE) return;
    memcpy(head.magic, MALLOW_PROFILE_MAGIC, sizeof head.magic);
    profile_encode_store(head.length, (uint32_t)length, sizeof head.length);
    head.type = (uint8_t)to->type;
    uLong sum = crc32_z(0, head.length, covered);
    if (length != 0) sum = crc32_z(sum, to->block.data, length);
    profile_encode_store(head.checksum, (uint32_t)sum, sizeof head.checksum);
    profile_encode_reserve(&to->bytes, sizeof head + length);
    memcpy(to->bytes.data + to->bytes.count, &head, sizeof head);
    if (length != 0) memcpy(to->bytes.data + to->bytes.count + sizeof head, to->block.data, length);
    to->bytes.count += sizeof head + length;
    to->block.count = 0;
}

void profile_encode_number(struct profile_encoder *to, uint64_t number) {
    if (!trace_bytes_add(&to->block, number)) xnonnull(NULL);
}

void profile_encode_difference(struct profile_encoder *to, uint64_t difference) {
    profile_encode_number(to, trace_fold(difference));
}

void profile_encode_estimate(struct profile_encoder *to, double estimate) {
    float value = (float)estimate;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    profile_encode_reserve(&to->block, sizeof bits);
    profile_encode_store(to->block.data + to->block.count, bits, sizeof bits);
    to->block.count += sizeof bits;
}

void profile_encode_text(struct profile_encoder *to, const void *text, size_t bytes) {
    profile_encode_reserve(&to->block, bytes + 1);
    if (bytes != 0) memcpy(to->block.data + to->block.count, text, bytes);
    to->block.count += bytes;
}

/* ---- records ---- */

static void profile_encode_sum(struct profile_encoder *to, const struct mallow_profile_sum *sum) {
    profile_encode_number(to, sum->samples);
    profile_encode_estimate(to, sum->blocks);
    profile_encode_number(to, (uint64_t)llround(sum->bytes));
    profile_encode_estimate(to, sum->variance);
}

static uint64_t profile_encode_parts(const struct mallow_profile_site *site) {
    uint64_t parts = MALLOW_PROFILE_PEAK;
    if (site->allocated.samples != 0) parts |= MALLOW_PROFILE_ALLOCATED;
    if (site->live.samples != 0) parts |= MALLOW_PROFILE_SOME_LIVE;
    if (site->inherited.samples != 0) parts |= MALLOW_PROFILE_INHERITED;
    for (unsigned i = 0; i < MALLOW_PROFILE_LIFETIMES; i++)
        if (site->freed[i] > 0) parts |= (uint64_t)MALLOW_PROFILE_FREED << i;
    return parts;
}

void profile_encode_site(struct profile_encoder *to, const struct mallow_profile_site *site,
                         const struct mallow_profile_site *before) {
    uint64_t parts = profile_encode_parts(site);
    profile_encode_number(to, trace_fold((uint64_t)site->node - before->node) << 1 | site->large);
    profile_encode_number(to, parts);
    if (parts & MALLOW_PROFILE_ALLOCATED) profile_encode_sum(to, &site->allocated);
    if (parts & MALLOW_PROFILE_SOME_LIVE) profile_encode_sum(to, &site->live);
    if (parts & MALLOW_PROFILE_INHERITED) profile_encode_sum(to, &site->inherited);
    profile_encode_number(to, (uint64_t)llround(site->peak_bytes));
    for (unsigned i = 0; i < MALLOW_PROFILE_LIFETIMES; i++)
        if (site->freed[i] > 0) profile_encode_estimate(to, site->freed[i]);
}

void profile_encode_live(struct profile_encoder *to, const struct mallow_profile_live *live,
                         const struct mallow_profile_live *before) {
    profile_encode_number(to, trace_fold((uint64_t)live->node - before->node) << 3 |
                                  live->inherited << 2 | live->large << 1 | live->lost);
    profile_encode_difference(to, live->address - before->address);
    profile_encode_number(to, live->bytes);
    profile_encode_estimate(to, live->blocks);
    profile_encode_difference(to, live->time - before->time);
    profile_encode_difference(to, (uint64_t)live->thread - before->thread);
}
