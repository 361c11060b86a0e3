/* Marks what the library has mapped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "proc/address_space.h"

bool mallow_range_parse(const char *line, struct mallow_range *range) {
    static const struct {
        const char *name;
        enum region_kind kind;
    } kinds[] = {
        {"heap ", REGION_MALLOW_HEAP},       {"metadata ", REGION_MALLOW_METADATA},
        {"guarded ", REGION_MALLOW_GUARDED}, {"profile ", REGION_MALLOW_PROFILE},
        {"stacks ", REGION_MALLOW_STACKS},   {"block ", REGION_MALLOW_BLOCK},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t length = strlen(kinds[i].name);
        if (strncmp(line, kinds[i].name, length) != 0) continue;
        range->kind = kinds[i].kind;
        return sscanf(line + length, "%lx %lx", &range->start, &range->end) == 2;
    }
    return false;
}

static int ranges_compare(const void *a, const void *b) {
    const struct mallow_range *one = a, *other = b;
    return (one->start > other->start) - (one->start < other->start);
}

/* Sorts the ranges, joins neighbours of one kind, and drops those that overlap. Returns their
 * number. */
static size_t ranges_join(struct mallow_range *ranges, size_t count) {
    size_t joined = 0;
    if (count != 0) qsort(ranges, count, sizeof *ranges, ranges_compare);
    for (size_t i = 0; i < count; i++) {
        struct mallow_range *last = joined == 0 ? NULL : &ranges[joined - 1];
        if (last != NULL && ranges[i].start < last->end) continue;
        if (last != NULL && ranges[i].start == last->end && ranges[i].kind == last->kind)
            last->end = ranges[i].end;
        else
            ranges[joined++] = ranges[i];
    }
    return joined;
}

/* Inaccessible pages are part of a range, except at its bounds. */
static bool ranges_may_mark(const struct region *region) {
    switch (region->kind) {
    case REGION_BREAK:
    case REGION_THREAD_STACK:
    case REGION_ANONYMOUS:
    case REGION_GUARD:
    case REGION_RESERVED:
    case REGION_PROGRAM_BSS:
    case REGION_LIBRARY_BSS:
        return region->inode == 0;
    default:
        return false;
    }
}

static void ranges_divide(struct address_space *space, const struct mallow_range *ranges,
                          size_t count) {
    uint64_t *bounds = xcalloc(2 * count + 1, sizeof *bounds);
    for (size_t i = 0; i < count; i++) {
        bounds[2 * i] = ranges[i].start;
        bounds[2 * i + 1] = ranges[i].end;
    }
    address_space_split(space, bounds, 2 * count);
    free(bounds);
}

void address_space_mark(struct address_space *space, struct mallow_range *ranges, size_t count) {
    size_t next = 0, usable = 0;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < count; i++)
        if (ranges[i].start % page == 0 && ranges[i].end % page == 0 &&
            ranges[i].start < ranges[i].end)
            ranges[usable++] = ranges[i];
    usable = ranges_join(ranges, usable);
    ranges_divide(space, ranges, usable);
    for (size_t i = 0; i < space->count; i++) {
        struct region *region = &space->regions[i];
        while (next < usable && ranges[next].end <= region->start) next++;
        if (next < usable && ranges[next].start <= region->start && ranges_may_mark(region)) {
            region->kind = ranges[next].kind;
            region->thread = 0;
        }
    }
}
