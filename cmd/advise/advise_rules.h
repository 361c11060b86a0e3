/*
 * mallow advise: the rules. A rule returns true and fills in the advice if the trace has evidence
 * that the way fits the site.
 */
#ifndef MALLOW_ADVISE_RULES_H
#define MALLOW_ADVISE_RULES_H

#include <inttypes.h>

#include "advise/advise.h"

/* Set the texts, and add a figure that the evidence is based on. */
void advice_do(struct advice *advice, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void advice_because(struct advice *advice, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void advice_figure(struct advice *advice, const char *name, uint64_t value);

static inline double advise_mean_size(const struct advise_site *site) {
    return (double)site->bytes / (double)site->blocks;
}

typedef bool advise_rule(const struct advise *advise, const struct advise_site *site,
                         struct advice *advice);

/* Pages (advise_pages.c). */
advise_rule advise_secret, advise_mapping, advise_reservation, advise_huge_pages;

/* Blocks that end with a function or together (advise_scopes.c). */
advise_rule advise_stack, advise_static, advise_scratch, advise_arena;

/* How the size is computed or changes (advise_calls.c). */
advise_rule advise_growth_factor, advise_aligned;

/* The code wipes or clears the block, or computes its size as a product (advise_code.c). */
advise_rule advise_wiped, advise_calloc, advise_reallocarray;

#endif
