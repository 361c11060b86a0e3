/* Columns of integers in a compact form: each number takes as many bytes as it needs. */
#ifndef MALLOW_REPORT_COLUMNS_H
#define MALLOW_REPORT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The numbers are written as they are, as differences from the previous number or, if all of them
 * are zero, not at all. */
enum report_column_kind { COLUMN_VALUES, COLUMN_DIFFERENCES, COLUMN_ZEROS };

struct report_column {
    char *name;
    enum report_column_kind kind;
    char *bytes;
    size_t byte_count, count;
    FILE *to;
    int64_t last;
    bool has_values; /* other than 0 */
};

/* Initialized to zero. */
struct report_columns {
    struct report_column **list;
    size_t count;
};

/* Adds a column. Its name is that of a group and its own: "site" and "node" is "site.node". */
struct report_column *report_column(struct report_columns *columns, const char *group,
                                    const char *name, enum report_column_kind kind);

/* Adds a number: seven bits in each byte, the lowest first, where bit 7 says that another byte
 * follows. 2 * n stands for n, and -2 * n - 1 for a negative n. */
void report_column_add(struct report_column *column, int64_t value);

/* Return the nearest integer that a browser's numbers represent exactly: it is less than 2^53. */
int64_t report_integer(double value);
int64_t report_clamp(uint64_t value);

/* Returns 16 times the binary logarithm of the 95 % interval of a sum with that variance; 0: the
 * sum is exact. */
int64_t report_error(double variance);

/* End the columns and write their list as JSON, and then all their bytes. */
void report_columns_describe(struct report_columns *columns, FILE *to);
void report_columns_write(const struct report_columns *columns, FILE *to);
void report_columns_free(struct report_columns *columns);

#endif
