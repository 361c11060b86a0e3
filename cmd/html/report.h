/*
 * mallow report: a page with the data of one profile, or of two that are compared.
 *
 * The page is report/dist/report.html, which is part of the command. The data is inserted into it
 * in base64: the output of gzip for
 *
 *   - the number of bytes of the description, as four bytes, the lowest first
 *   - the description, which is JSON: texts, programs, and the columns that follow
 *   - the columns: sequences of integers (report_columns.h)
 *
 * report/src/data/decode.ts reads this. The page and the command are of the same version, so the
 * format can change.
 */
#ifndef MALLOW_REPORT_H
#define MALLOW_REPORT_H

#include <stdio.h>

#include "html/report_columns.h"
#include "profiles/profile.h"
#include "stacks/stacks.h"

/* Writes the data of one or two profiles, whose stacks are known. */
void report_data_write(FILE *to, const struct stacks *stacks, struct profile *const *profiles,
                       size_t count);

/* Writes the profile's name and its programs as JSON. */
void report_programs_write(FILE *to, const struct profile *profile);

/* Adds members with what a section says of its whole process to a JSON object. */
void report_system_write(FILE *to, const struct profile *profile,
                         const struct profile_section *section);

/* Adds columns with the errors of the differences between the sites of two profiles. */
void report_changes_add(struct report_columns *columns, const struct profile *before,
                        const struct profile *after);

/* Writes the page with the data. */
void report_page_write(FILE *to, const char *data, size_t count);

#endif
