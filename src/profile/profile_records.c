#include "profile/profile_records.h"

#include <stdbool.h>
#include <string.h>

#include "base/numbers.h"
#include "profile/profile_block.h"

/* ---- nodes and threads ---- */

static struct mallow_profile_node profile_records_node; /* the last node of the block */

void profile_write_node(const struct mallow_profile_node *node) {
    if (profile_block_record(MALLOW_PROFILE_STACKS, 3 * PROFILE_NUMBER_MAX))
        profile_records_node = (struct mallow_profile_node){0};
    const struct mallow_profile_node *before = &profile_records_node;
    profile_block_add_difference(node->node, before->node);
    profile_block_add_difference(node->caller, before->node);
    profile_block_add_difference(node->pc, before->pc);
    profile_records_node = *node;
}

void profile_write_thread(const struct mallow_profile_thread *thread) {
    const char *end = memchr(thread->name, '\0', sizeof thread->name);
    size_t length = end == NULL ? sizeof thread->name : (size_t)(end - thread->name);
    profile_block_record(MALLOW_PROFILE_THREADS, 2 * PROFILE_NUMBER_MAX + sizeof thread->name);
    profile_block_add_number(thread->thread);
    profile_block_add_number(length);
    profile_block_add_bytes(thread->name, length);
}

/* ---- sites ---- */

#define SUM_MAX (2 * PROFILE_NUMBER_MAX + 2 * PROFILE_ESTIMATE_BYTES)
#define SITE_MAX \
    (3 * PROFILE_NUMBER_MAX + 3 * SUM_MAX + MALLOW_PROFILE_LIFETIMES * PROFILE_ESTIMATE_BYTES)

/* Rounding errors can make a sum slightly negative. */
static uint64_t profile_records_round(double value) {
    return value <= 0 ? 0 : (uint64_t)(value + 0.5);
}

static bool profile_records_is_same(const struct mallow_profile_sum *a,
                                    const struct mallow_profile_sum *b) {
    return a->samples == b->samples && a->blocks == b->blocks && a->bytes == b->bytes &&
           a->variance == b->variance;
}

static unsigned profile_records_parts(const struct mallow_profile_site *site) {
    unsigned parts = 0;
    if (site->allocated.samples != 0 || site->allocated.bytes != 0) /* without samples: growth */
        parts |= MALLOW_PROFILE_ALLOCATED;
    if (profile_records_is_same(&site->allocated, &site->live))
        parts |= MALLOW_PROFILE_ALL_LIVE;
    else if (site->live.samples != 0)
        parts |= MALLOW_PROFILE_SOME_LIVE;
    if (site->inherited.samples != 0) parts |= MALLOW_PROFILE_INHERITED;
    if (profile_records_round(site->peak_bytes) != profile_records_round(site->live.bytes))
        parts |= MALLOW_PROFILE_PEAK;
    for (unsigned i = 0; i < MALLOW_PROFILE_LIFETIMES; i++)
        if (site->freed[i] != 0) parts |= (unsigned)MALLOW_PROFILE_FREED << i;
    return parts;
}

static void profile_records_add_sum(const struct mallow_profile_sum *sum, bool large) {
    profile_block_add_number(sum->samples);
    if (!large) profile_block_add_estimate(sum->blocks);
    profile_block_add_number(profile_records_round(sum->bytes));
    if (!large) profile_block_add_estimate(sum->variance < 0 ? 0 : sum->variance);
}

static uint32_t profile_records_site; /* the node of the last site of the block */

void profile_write_site(const struct mallow_profile_site *site) {
    if (profile_block_record(MALLOW_PROFILE_SITES, SITE_MAX)) profile_records_site = 0;
    unsigned parts = profile_records_parts(site);
    bool large = site->large != 0;
    profile_block_add_number(profile_difference(site->node, profile_records_site) << 1 | large);
    profile_block_add_number(parts);
    if (parts & MALLOW_PROFILE_ALLOCATED) profile_records_add_sum(&site->allocated, large);
    if (parts & MALLOW_PROFILE_SOME_LIVE) profile_records_add_sum(&site->live, large);
    if (parts & MALLOW_PROFILE_INHERITED) profile_records_add_sum(&site->inherited, large);
    if (parts & MALLOW_PROFILE_PEAK)
        profile_block_add_number(profile_records_round(site->peak_bytes));
    for (unsigned i = 0; i < MALLOW_PROFILE_LIFETIMES; i++)
        if (site->freed[i] != 0) profile_block_add_estimate(site->freed[i]);
    profile_records_site = site->node;
}

/* ---- pinned memory and settings ---- */

#define SETTING_MAX ((size_t)4 * KIB)

static uint32_t profile_records_pinned; /* the node of the last record of the block */

void profile_write_pinned(const struct mallow_profile_pinned *pinned) {
    if (profile_block_record(MALLOW_PROFILE_PINNED,
                             2 * PROFILE_NUMBER_MAX + PROFILE_ESTIMATE_BYTES))
        profile_records_pinned = 0;
    profile_block_add_number(profile_difference(pinned->node, profile_records_pinned) << 1 |
                             pinned->large);
    profile_block_add_number(profile_records_round(pinned->bytes));
    profile_block_add_estimate(pinned->variance < 0 ? 0 : pinned->variance);
    profile_records_pinned = pinned->node;
}

static void profile_records_add_text(const char *text, size_t bytes) {
    profile_block_add_number(bytes);
    profile_block_add_bytes(text, bytes);
}

void profile_write_setting(const char *key, const char *value) {
    size_t key_bytes = strlen(key), value_bytes = min_size(strlen(value), SETTING_MAX);
    profile_block_record(MALLOW_PROFILE_SETTINGS, 2 * PROFILE_NUMBER_MAX + key_bytes + value_bytes);
    profile_records_add_text(key, key_bytes);
    profile_records_add_text(value, value_bytes);
}

/* ---- live samples ---- */

static struct mallow_profile_live profile_records_live; /* the last sample of the block */

void profile_write_live(const struct mallow_profile_live *live,
                        const struct mallow_profile_process *process) {
    struct mallow_profile_live *before = &profile_records_live;
    if (profile_block_record(MALLOW_PROFILE_LIVE, 5 * PROFILE_NUMBER_MAX + PROFILE_ESTIMATE_BYTES))
        *before = (struct mallow_profile_live){.time = process->started, .thread = process->pid};
    profile_block_add_number(profile_difference(live->node, before->node) << 3 | live->lost |
                             live->large << 1 | live->inherited << 2);
    profile_block_add_difference(live->address, before->address);
    profile_block_add_number(live->bytes);
    if (live->large == 0) profile_block_add_estimate(live->blocks);
    profile_block_add_difference(live->time, before->time);
    profile_block_add_difference(live->thread, before->thread);
    *before = *live;
}
