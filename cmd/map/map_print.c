/* Draws an address space for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "map/map.h"

/* The columns before the description. */
#define COLUMNS_BEFORE 44
#define VSYSCALL "[vsyscall]"

static uint64_t print_private(const struct figures *figures) {
    return figures->of[FIGURE_PRIVATE_CLEAN] + figures->of[FIGURE_PRIVATE_DIRTY];
}
static uint64_t print_dirty(const struct figures *figures) {
    return figures->of[FIGURE_PRIVATE_DIRTY] + figures->of[FIGURE_SHARED_DIRTY];
}

static void print_figures(const struct address_space *space, const struct figures *figures) {
    struct map_amount unknown = {"?"};
    uint64_t resident = figures->of[FIGURE_RSS];
    printf("%6s", map_amount_of(figures->of[FIGURE_SIZE]).text);
    if (space->has_figures)
        printf("%6s%6s%6s", map_amount_of(resident).text,
               map_amount_of(print_private(figures)).text,
               map_amount_of(print_dirty(figures)).text);
    else
        printf("%6s%6s%6s", unknown.text, unknown.text, unknown.text);
}

/* ---- rows ---- */

/* Returns the permissions of the row, with a question mark where its regions differ. */
static struct map_amount print_permissions(const struct address_space *space,
                                           const struct map_row *row) {
    struct map_amount text;
    const struct region *main = &space->regions[row->main];
    snprintf(text.text, sizeof text.text, "%s", main->permissions);
    if (row->family == MAP_STACK && row->parts == 1) return text;
    for (size_t i = row->begin; i < row->end; i++)
        if (strcmp(space->regions[i].permissions, main->permissions) != 0)
            snprintf(text.text, sizeof text.text, "...%c", main->permissions[3]);
    return text;
}

static void print_row(const struct address_space *space, const struct map_row *row, int width) {
    printf("%12lx %s ", space->regions[row->begin].start, print_permissions(space, row).text);
    print_figures(space, &row->figures);
    fputs("  ", stdout);
    map_describe_row(space, row, COLUMNS_BEFORE, width, stdout);
    putchar('\n');
}

static void print_gap(uint64_t low, uint64_t high, const char *note) {
    if (low < high)
        printf("%12lx .... %6s%*s%s\n", low, map_amount_of(high - low).text, *note == '\0' ? 0 : 20,
               "", note);
}

/* Prints what lies between two rows. If the heap at the break is empty, the break is marked. */
static void print_between(const struct address_space *space, uint64_t low, uint64_t high) {
    uint64_t at = space->break_start;
    if (at != space->break_end || at < low || at >= high) {
        print_gap(low, high, "");
        return;
    }
    print_gap(at, high, "program break, and no heap");
    print_gap(low, at, "");
}

static void print_rows(const struct address_space *space, bool all) {
    struct map_rows rows = map_make_rows(space, all ? MAP_EACH : MAP_SHORT);
    int width = map_width();
    uint64_t above = 0;
    printf("%12s perm %6s%6s%6s%6s  %s\n", "address", "size", "rss", "priv", "dirty", "contents");
    for (size_t i = rows.count; i-- > 0;) {
        const struct map_row *row = &rows.list[i];
        uint64_t end = space->regions[row->end - 1].end;
        if (!all && strcmp(space->regions[row->begin].path, VSYSCALL) == 0) continue;
        if (above == 0)
            printf("%12lx\n", end);
        else
            print_between(space, end, above);
        print_row(space, row, width);
        above = space->regions[row->begin].start;
    }
    free(rows.list);
}

/* ---- totals ---- */

static int print_compare_kinds(const void *a, const void *b) {
    const struct region_sum *one = a, *other = b;
    uint64_t rss = one->figures.of[FIGURE_RSS], other_rss = other->figures.of[FIGURE_RSS];
    if (rss != other_rss) return rss < other_rss ? 1 : -1;
    return (one->kind > other->kind) - (one->kind < other->kind);
}

static void print_more(uint64_t total, uint64_t bytes) {
    if (total != 0) printf("%8s", map_amount_of(bytes).text);
}

static uint64_t print_huge(const struct figures *figures) {
    return figures->of[FIGURE_ANON_HUGE] + figures->of[FIGURE_SHMEM_HUGE] +
           figures->of[FIGURE_FILE_HUGE] + figures->of[FIGURE_SHARED_HUGETLB] +
           figures->of[FIGURE_PRIVATE_HUGETLB];
}

static void print_total(const struct address_space *space, const char *name, size_t regions,
                        const struct figures *figures) {
    const struct figures *total = &space->total;
    printf("%-16s%8zu  ", name, regions);
    print_figures(space, figures);
    print_more(total->of[FIGURE_SWAP], figures->of[FIGURE_SWAP]);
    print_more(total->of[FIGURE_LOCKED], figures->of[FIGURE_LOCKED]);
    print_more(print_huge(total), print_huge(figures));
    putchar('\n');
}

static void print_totals(const struct address_space *space) {
    struct region_sum kinds[REGION_KINDS];
    address_space_sum_kinds(space, kinds);
    qsort(kinds, REGION_KINDS, sizeof kinds[0], print_compare_kinds);
    const struct figures *total = &space->total;
    printf("\n%-16s%8s  %6s%6s%6s%6s%s%s%s\n", "kind", "mappings", "size", "rss", "priv", "dirty",
           total->of[FIGURE_SWAP] != 0 ? " swapped" : "",
           total->of[FIGURE_LOCKED] != 0 ? "  locked" : "",
           print_huge(total) != 0 ? "    huge" : "");
    for (int i = 0; i < REGION_KINDS; i++)
        if (kinds[i].regions != 0)
            print_total(space, region_kind_name(kinds[i].kind), kinds[i].regions,
                        &kinds[i].figures);
    print_total(space, "total", space->mapping_count, total);
}

void map_print(const struct address_space *space, const char *program, bool all) {
    printf("process %d (%s): ", (int)space->process, program);
    if (space->has_figures)
        printf("%s resident of ", map_amount_of(space->total.of[FIGURE_RSS]).text);
    printf("%s in %zu mapping%s\n", map_amount_of(space->total.of[FIGURE_SIZE]).text,
           space->mapping_count, plural(space->mapping_count));
    print_rows(space, all);
    print_totals(space);
}
