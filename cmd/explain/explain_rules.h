/* The parts of the verdict of mallow explain. Each rule tests the looks. If it applies, it writes
 * its sentences and returns the bytes that it concerns; otherwise it returns 0. */
#ifndef MALLOW_EXPLAIN_RULES_H
#define MALLOW_EXPLAIN_RULES_H

#include "explain/explain.h"
#include "proc/amount.h"

/* ---- sentences (explain_sentences.c) ---- */

void verdict_add(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns "1.5 MiB a second", or the amount in an hour if it is small, for bytes that came between
 * the first look and the last. */
struct amount verdict_rate(const struct explanation *explanation, double bytes);

/* Adds "X of Y of resident memory (Z %)". */
void verdict_add_share(struct verdict *verdict, const struct explanation *explanation,
                       uint64_t bytes);

/* Adds "FUNCTION (FILE:LINE) in the library LIBRARY". */
void verdict_add_site(struct verdict *verdict, const struct explanation *explanation,
                      const struct explain_site *site);

/* ---- rules ---- */

/* Returns a value that a rule follows from look to look. */
typedef uint64_t verdict_value(const struct explain_look *look);

typedef uint64_t verdict_test(const struct explanation *explanation, struct verdict *verdict);

/* explain_growth.c */
verdict_test verdict_test_leak, verdict_test_growth, verdict_test_copies;

/* explain_shares.c: they write their sentences, because the table has tested the shares. */
verdict_test verdict_test_mappings, verdict_test_trimmable, verdict_test_pinned,
    verdict_test_stacks, verdict_test_files, verdict_test_shared, verdict_test_surplus,
    verdict_test_held, verdict_test_swapped, verdict_test_healthy;

#endif
