/* The output of `mallow replay`: text, JSON and a page. */
#ifndef MALLOW_REPLAY_REPORT_H
#define MALLOW_REPLAY_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "replay/replay_allocator.h"
#include "replay/replay_compare.h"
#include "replay/replay_program.h"

struct replay_report {
    const char *file;
    char *damage;        /* of the trace, or NULL */
    char *recorded_name; /* the allocator that was recorded, or "" */
    struct replay_program program;
    struct replay_allocators allocators;
    const struct replay_allocator *recorded; /* NULL: unknown, or it cannot be loaded */
    struct replay_comparison comparison;
    /* Sentences. */
    char *check;   /* how near the replay comes to the recording */
    char *left;    /* what the replay leaves out, or NULL */
    char *verdict; /* switch or stay, or why there is none */
    char *advice;  /* which settings to use, or NULL: none were tried */
};

/* Completes the report, prints it, and writes a page if `page` is not NULL. Returns the exit
 * status. */
int replay_report(struct replay_report *report, const char *page, bool json);

/* ---- replay_verdict.c: these return sentences, which the caller frees ---- */

char *replay_check(const struct replay_report *report);
char *replay_left_out(const struct replay_report *report);
char *replay_verdict(const struct replay_report *report);
char *replay_advice(const struct replay_report *report);

/* ---- forms ---- */

/* Returns the mean resident bytes in a part of the recorded time, for charts: part `part` of
 * `parts`. An allocator of NULL is the recording; its value can be negative: unknown. */
double replay_part(const struct replay_report *report, const struct replay_allocator *allocator,
                   unsigned part, unsigned parts);

void replay_print(const struct replay_report *report);
void replay_print_json(const struct replay_report *report);
void replay_write_page(const struct replay_report *report, const char *path);

#endif
