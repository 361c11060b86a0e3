#include "html/report_columns.h"

#include <math.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sites/site_groups.h"

#define INTEGER_MAX (((int64_t)1 << 53) - 1)

struct report_column *report_column(struct report_columns *columns, const char *group,
                                    const char *name, enum report_column_kind kind) {
    struct report_column *column = xcalloc(1, sizeof *column);
    column->name = xasprintf("%s.%s", group, name);
    column->kind = kind;
    column->to = xopen_memstream(&column->bytes, &column->byte_count);
    columns->list = xgrow(columns->list, columns->count, sizeof *columns->list);
    columns->list[columns->count++] = column;
    return column;
}

/* ---- numbers ---- */

void report_column_add(struct report_column *column, int64_t value) {
    int64_t written = column->kind == COLUMN_DIFFERENCES ? value - column->last : value;
    uint64_t left = (uint64_t)written << 1 ^ (written < 0 ? UINT64_MAX : 0);
    column->last = value;
    column->count++;
    column->has_values = column->has_values || value != 0;
    for (; left >= 128; left >>= 7) putc_unlocked((int)(left & 127) | 128, column->to);
    putc_unlocked((int)left, column->to);
}

int64_t report_clamp(uint64_t value) {
    return value > (uint64_t)INTEGER_MAX ? INTEGER_MAX : (int64_t)value;
}

int64_t report_integer(double value) {
    return value >= (double)INTEGER_MAX ? INTEGER_MAX : llround(value);
}

int64_t report_error(double variance) {
    double error = site_error(variance);
    return error > 1 ? report_integer(16 * log2(error)) : 0;
}

/* ---- output ---- */

void report_columns_describe(struct report_columns *columns, FILE *to) {
    putc('[', to);
    for (size_t i = 0; i < columns->count; i++) {
        struct report_column *column = columns->list[i];
        xclose_memstream(column->to);
        if (!column->has_values) {
            column->kind = COLUMN_ZEROS;
            column->byte_count = 0;
        }
        fprintf(to, "%s[\"%s\",%d,%zu]", i == 0 ? "" : ",", column->name, column->kind,
                column->count);
    }
    putc(']', to);
}

void report_columns_write(const struct report_columns *columns, FILE *to) {
    for (size_t i = 0; i < columns->count; i++)
        fwrite(columns->list[i]->bytes, 1, columns->list[i]->byte_count, to);
}

void report_columns_free(struct report_columns *columns) {
    for (size_t i = 0; i < columns->count; i++) {
        free(columns->list[i]->name);
        free(columns->list[i]->bytes);
        free(columns->list[i]);
    }
    free(columns->list);
}
