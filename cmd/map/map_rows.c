/* Groups the regions of an address space into the rows of a picture. */
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "map/map.h"

/* More neighbouring rows of a family than this are shown as one. */
#define RUN_MAX 6
#define RUN_MAX_LIBRARIES 12

static bool rows_is_library(const struct region *region) {
    return region->kind >= REGION_LIBRARY_TEXT && region->kind <= REGION_LIBRARY_BSS;
}

static enum map_family rows_family(const struct region *region) {
    switch (region->kind) {
    case REGION_PROGRAM_TEXT:
    case REGION_PROGRAM_RODATA:
    case REGION_PROGRAM_DATA:
    case REGION_PROGRAM_BSS:
        return MAP_PROGRAM;
    case REGION_LIBRARY_TEXT:
    case REGION_LIBRARY_RODATA:
    case REGION_LIBRARY_DATA:
    case REGION_LIBRARY_BSS:
        return MAP_LIBRARY;
    case REGION_THREAD_STACK:
        return MAP_STACK;
    case REGION_ANONYMOUS:
    case REGION_GUARD:
    case REGION_RESERVED:
        return MAP_ANONYMOUS;
    case REGION_FILE_PRIVATE:
    case REGION_FILE_SHARED:
        return MAP_FILE;
    case REGION_SHARED_MEMORY:
        return MAP_SHARED_MEMORY;
    case REGION_MALLOW_BLOCK:
        return MAP_MALLOW_BLOCK;
    default:
        return MAP_OTHER;
    }
}

static bool rows_is_same_file(const struct region *a, const struct region *b) {
    return a->inode != 0 && a->inode == b->inode && a->device == b->device;
}

/* True if neighbouring regions of one kind are one thing. */
static bool rows_may_join(const struct region *before, const struct region *region) {
    switch (region->kind) {
    case REGION_MALLOW_HEAP:
    case REGION_MALLOW_METADATA:
    case REGION_MALLOW_PROFILE:
    case REGION_MALLOW_STACKS:
    case REGION_MALLOW_GUARDED:
    case REGION_MALLOW_BLOCK:
        return true;
    case REGION_PROGRAM_TEXT:
    case REGION_PROGRAM_RODATA:
    case REGION_PROGRAM_DATA:
    case REGION_PROGRAM_BSS:
        return strcmp(region->path, before->path) == 0;
    default:
        return false;
    }
}

/* True if the region continues the row, which ends right before it. */
static bool rows_continues(const struct address_space *space, const struct map_row *row,
                           const struct region *region) {
    const struct region *before = region - 1, *main = &space->regions[row->main];
    if (before->end != region->start) return false;
    if (row->family == MAP_LIBRARY)
        return rows_is_same_file(main, region) || region->kind == REGION_LIBRARY_BSS;
    if (region->kind == REGION_THREAD_STACK)
        return before->kind == REGION_GUARD && row->end - row->begin == 1;
    return region->kind == before->kind && rows_may_join(before, region);
}

static void rows_append(struct map_rows *rows, struct map_row row) {
    rows->list = xgrow(rows->list, rows->count, sizeof row);
    rows->list[rows->count++] = row;
}

static struct map_rows rows_of_regions(const struct address_space *space, bool all) {
    struct map_rows rows = {NULL, 0};
    for (size_t i = 0; i < space->count; i++) {
        const struct region *region = &space->regions[i];
        struct map_row *last = rows.count == 0 ? NULL : &rows.list[rows.count - 1];
        if (!all && last != NULL && rows_continues(space, last, region)) {
            if (region->kind == REGION_THREAD_STACK) last->main = i, last->family = MAP_STACK;
            if (rows_is_library(region) && region->permissions[2] == 'x') last->main = i;
            last->end = i + 1;
            figures_add(&last->figures, &region->figures);
            continue;
        }
        rows_append(&rows, (struct map_row){.family = rows_family(region),
                                            .begin = i,
                                            .end = i + 1,
                                            .parts = 1,
                                            .main = i,
                                            .figures = region->figures});
    }
    return rows;
}

/* ---- runs ---- */

/* Returns the end of the run of rows of one family. */
static size_t rows_run_end(const struct map_rows *rows, size_t begin) {
    size_t end = begin + 1;
    while (end < rows->count && rows->list[end].family == rows->list[begin].family) end++;
    return end;
}

static bool rows_is_long(enum map_family family, size_t rows) {
    if (family == MAP_PROGRAM || family == MAP_OTHER) return false;
    return rows > (family == MAP_LIBRARY ? RUN_MAX_LIBRARIES : RUN_MAX);
}

/* Makes one row of each long run, in place. */
static void rows_join_runs(struct map_rows *rows) {
    size_t count = 0;
    for (size_t begin = 0, end; begin < rows->count; begin = end) {
        end = rows_run_end(rows, begin);
        if (!rows_is_long(rows->list[begin].family, end - begin)) {
            while (begin < end) rows->list[count++] = rows->list[begin++];
            continue;
        }
        struct map_row joined = rows->list[begin];
        for (size_t i = begin + 1; i < end; i++) {
            figures_add(&joined.figures, &rows->list[i].figures);
            joined.parts += rows->list[i].parts;
            joined.end = rows->list[i].end;
        }
        rows->list[count++] = joined;
    }
    rows->count = count;
}

struct map_rows map_make_rows(const struct address_space *space, enum map_detail detail) {
    struct map_rows rows = rows_of_regions(space, detail == MAP_EACH);
    if (detail == MAP_SHORT) rows_join_runs(&rows);
    return rows;
}
