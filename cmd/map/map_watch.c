/* Prints what changes in an address space. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/command.h"
#include "common/json.h"
#include "map/map.h"

/* The columns before the description. */
#define COLUMNS_BEFORE 49

/* A row that has changed. A new row has no `before`, and a row that is gone no `after`. */
struct watch_change {
    const struct map_row *before, *after;
    const struct map_row *row; /* `after`, or else `before` */
};

/* Two looks at the address space, and the changes between them. */
struct watch_looks {
    const struct address_space *old, *now;
    struct map_rows old_rows, now_rows;
};

static const struct region *watch_start(const struct address_space *space,
                                        const struct map_row *row) {
    return &space->regions[row->begin];
}
static uint64_t watch_end(const struct address_space *space, const struct map_row *row) {
    return space->regions[row->end - 1].end;
}

/* ---- output ---- */

static const struct figures watch_nothing;

static const struct figures *watch_figures(const struct map_row *row) {
    return row != NULL ? &row->figures : &watch_nothing;
}

static int64_t watch_difference(const struct watch_change *change, enum figure figure) {
    return (int64_t)(watch_figures(change->after)->of[figure] -
                     watch_figures(change->before)->of[figure]);
}

static void watch_print_amount(int64_t difference) {
    char text[32] = "-";
    if (difference != 0)
        snprintf(text, sizeof text, "%s%s", difference > 0 ? "+" : "-",
                 map_amount_of((uint64_t)(difference > 0 ? difference : -difference)).text);
    printf("%7s", text);
}

static void watch_print_change(const struct watch_looks *looks, const struct watch_change *change) {
    const struct map_row *row = change->row;
    const struct address_space *space = change->after != NULL ? looks->now : looks->old;
    const char *sign = change->before == NULL ? "+" : change->after == NULL ? "-" : "=";
    printf("%s %12lx %s", sign, watch_start(space, row)->start,
           space->regions[row->main].permissions);
    watch_print_amount(watch_difference(change, FIGURE_SIZE));
    watch_print_amount(watch_difference(change, FIGURE_RSS));
    watch_print_amount(watch_difference(change, FIGURE_PRIVATE_CLEAN) +
                       watch_difference(change, FIGURE_PRIVATE_DIRTY));
    watch_print_amount(watch_difference(change, FIGURE_PRIVATE_DIRTY) +
                       watch_difference(change, FIGURE_SHARED_DIRTY));
    fputs("  ", stdout);
    map_describe_row(space, row, COLUMNS_BEFORE, map_width(), stdout);
    putchar('\n');
}

static void watch_json_change(const struct watch_looks *looks, const struct watch_change *change) {
    const struct map_row *row = change->row;
    const struct address_space *space = change->after != NULL ? looks->now : looks->old;
    const struct region *main = &space->regions[row->main];
    const char *what = change->before == NULL ? "new" : change->after == NULL ? "gone" : "changed";
    printf(
        "{\"change\":\"%s\",\"start\":\"0x%lx\",\"end\":\"0x%lx\",\"kind\":\"%s\",\"path\":", what,
        watch_start(space, row)->start, watch_end(space, row), region_kind_name(main->kind));
    json_print_string(main->path, strlen(main->path));
    for (enum figure i = 0; i < FIGURES; i++)
        if (watch_difference(change, i) != 0)
            printf(",\"%s_change_bytes\":%lld", figure_name(i),
                   (long long)watch_difference(change, i));
    putchar('}');
}

/* ---- comparison ---- */

/* Compares neither private nor shared memory: they also change when another process maps or leaves
 * the same pages. */
static bool watch_differs(const struct watch_change *change) {
    static const enum figure figures[] = {FIGURE_SIZE,   FIGURE_RSS,       FIGURE_ANONYMOUS,
                                          FIGURE_SWAP,   FIGURE_ANON_HUGE, FIGURE_SHMEM_HUGE,
                                          FIGURE_LOCKED, FIGURE_FILE_HUGE};
    if (change->before == NULL || change->after == NULL) return true;
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (watch_difference(change, figures[i]) != 0) return true;
    return false;
}

/* True if the rows are the same thing, which may have grown at either end. */
static bool watch_is_same(const struct watch_looks *looks, const struct map_row *before,
                          const struct map_row *after) {
    const struct region *old = &looks->old->regions[before->main];
    const struct region *now = &looks->now->regions[after->main];
    if (old->kind != now->kind || strcmp(old->path, now->path) != 0) return false;
    return watch_start(looks->old, before)->start == watch_start(looks->now, after)->start ||
           watch_end(looks->old, before) == watch_end(looks->now, after);
}

/* Stores the next change and returns true, or returns false if there are no more. `old` and `now`
 * count the rows that were compared. */
static bool watch_next_change(const struct watch_looks *looks, size_t *old, size_t *now,
                              struct watch_change *change) {
    while (*old < looks->old_rows.count || *now < looks->now_rows.count) {
        struct watch_change next = {
            *old < looks->old_rows.count ? &looks->old_rows.list[*old] : NULL,
            *now < looks->now_rows.count ? &looks->now_rows.list[*now] : NULL, NULL};
        if (next.before != NULL && next.after != NULL &&
            !watch_is_same(looks, next.before, next.after)) {
            if (watch_start(looks->old, next.before)->start <=
                watch_start(looks->now, next.after)->start)
                next.after = NULL;
            else
                next.before = NULL;
        }
        *old += next.before != NULL;
        *now += next.after != NULL;
        next.row = next.after != NULL ? next.after : next.before;
        if (next.row == NULL) return false;
        if (!watch_differs(&next)) continue;
        *change = next;
        return true;
    }
    return false;
}

static void watch_print_head(const struct watch_looks *looks) {
    char clock[16] = "";
    time_t now = time(NULL);
    struct tm local;
    if (localtime_r(&now, &local) != NULL) strftime(clock, sizeof clock, "%H:%M:%S", &local);
    uint64_t rss = looks->now->total.of[FIGURE_RSS], old = looks->old->total.of[FIGURE_RSS];
    printf("%s  rss %s, %s%s; %zu mappings\n", clock, map_amount_of(rss).text,
           rss < old ? "-" : "+", map_amount_of(rss < old ? old - rss : rss - old).text,
           looks->now->mapping_count);
}

static void watch_print_changes(const struct watch_looks *looks) {
    struct watch_change change;
    size_t old = 0, now = 0;
    bool is_first = true;
    while (watch_next_change(looks, &old, &now, &change)) {
        if (is_first) watch_print_head(looks);
        is_first = false;
        watch_print_change(looks, &change);
    }
}

static void watch_json_changes(const struct watch_looks *looks) {
    struct watch_change change;
    size_t old = 0, now = 0;
    bool is_first = true;
    while (watch_next_change(looks, &old, &now, &change)) {
        if (is_first)
            printf(
                "{\"pid\":%d,\"time\":%lld,\"mappings\":%zu,\"resident_bytes\":%lu,\"changes\":[",
                (int)looks->now->process, (long long)time(NULL), looks->now->mapping_count,
                looks->now->total.of[FIGURE_RSS]);
        else
            putchar(',');
        is_first = false;
        watch_json_change(looks, &change);
    }
    if (!is_first) puts("]}");
}

/* ---- the loop ---- */

static void watch_compare(const struct address_space *old, const struct address_space *now,
                          struct map_watch settings) {
    struct watch_looks looks = {old, now, map_make_rows(old, settings.detail),
                                map_make_rows(now, settings.detail)};
    (settings.json ? watch_json_changes : watch_print_changes)(&looks);
    free(looks.old_rows.list);
    free(looks.now_rows.list);
}

static void watch_pause(double seconds) {
    struct timespec pause = {.tv_sec = (time_t)seconds};
    pause.tv_nsec = (long)((seconds - (double)pause.tv_sec) * 1e9);
    nanosleep(&pause, NULL);
}

static void watch_print_start(const struct address_space *space, const char *program,
                              struct map_watch settings) {
    if (settings.json) {
        map_print_json(space, program);
        puts("}");
    } else {
        printf("process %d (%s): rss %s; %zu mappings; changes follow\n", (int)space->process,
               program, map_amount_of(space->total.of[FIGURE_RSS]).text, space->mapping_count);
        printf("  %12s perm%7s%7s%7s%7s  contents\n", "address", "size", "rss", "priv", "dirty");
    }
    print_text("");
}

/* Reads the next look. Returns false if the process has ended, even if another one has its ID. */
static bool watch_read(struct address_space *now, const struct address_space *old, bool is_mallow) {
    enum address_space_result result = address_space_read(now, old->process);
    if (result == ADDRESS_SPACE_DENIED)
        errx(EXIT_OWN_FAILURE, "this user may no longer inspect process %d", (int)old->process);
    if (result == ADDRESS_SPACE_READ && now->started == old->started) {
        if (is_mallow) map_heap_mark(now);
        return true;
    }
    address_space_free(now);
    return false;
}

int map_watch(struct address_space *space, const char *program, struct map_watch settings) {
    struct address_space now;
    pid_t process = space->process;
    bool is_mallow = map_heap_mark(space);
    watch_print_start(space, program, settings);
    for (;;) {
        watch_pause(settings.seconds);
        if (!watch_read(&now, space, is_mallow)) break;
        if (now.stack_start != space->stack_start && !settings.json)
            printf("process %d executes another program\n", (int)process);
        else
            watch_compare(space, &now, settings);
        print_text("");
        address_space_free(space);
        *space = now;
    }
    address_space_free(space);
    if (!settings.json) printf("process %d has ended\n", (int)process);
    return print_text("");
}
