/* Reads the address space of a process from /proc. */
#include "proc/address_space.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/xalloc.h"
#include "proc/proc.h"

static const struct {
    const char *field; /* in smaps */
    const char *name;  /* in JSON */
} figure_table[FIGURES] = {
    [FIGURE_SIZE] = {"Size", "size"},
    [FIGURE_RSS] = {"Rss", "resident"},
    [FIGURE_PSS] = {"Pss", "proportional"},
    [FIGURE_PSS_DIRTY] = {"Pss_Dirty", "proportional_dirty"},
    [FIGURE_SHARED_CLEAN] = {"Shared_Clean", "shared_clean"},
    [FIGURE_SHARED_DIRTY] = {"Shared_Dirty", "shared_dirty"},
    [FIGURE_PRIVATE_CLEAN] = {"Private_Clean", "private_clean"},
    [FIGURE_PRIVATE_DIRTY] = {"Private_Dirty", "private_dirty"},
    [FIGURE_REFERENCED] = {"Referenced", "referenced"},
    [FIGURE_ANONYMOUS] = {"Anonymous", "anonymous"},
    [FIGURE_KSM] = {"KSM", "merged"},
    [FIGURE_LAZY_FREE] = {"LazyFree", "lazily_freed"},
    [FIGURE_ANON_HUGE] = {"AnonHugePages", "huge_anonymous"},
    [FIGURE_SHMEM_HUGE] = {"ShmemPmdMapped", "huge_shared_memory"},
    [FIGURE_FILE_HUGE] = {"FilePmdMapped", "huge_file"},
    [FIGURE_SHARED_HUGETLB] = {"Shared_Hugetlb", "hugetlb_shared"},
    [FIGURE_PRIVATE_HUGETLB] = {"Private_Hugetlb", "hugetlb_private"},
    [FIGURE_SWAP] = {"Swap", "swapped"},
    [FIGURE_SWAP_PSS] = {"SwapPss", "swapped_proportional"},
    [FIGURE_LOCKED] = {"Locked", "locked"},
};

const char *figure_name(enum figure figure) { return figure_table[figure].name; }

void figures_add(struct figures *sum, const struct figures *more) {
    for (int i = 0; i < FIGURES; i++) sum->of[i] += more->of[i];
}

/* ---- strings ---- */

#define RECENT_STRINGS 8

/* Returns a copy that lives as long as the address space. Neighbouring regions mostly have the same
 * path and flags, so they share a copy. */
static const char *address_space_string(struct address_space *space, const char *text) {
    for (size_t i = 0; i < RECENT_STRINGS && i < space->string_count; i++) {
        const char *recent = space->strings[space->string_count - 1 - i];
        if (strcmp(recent, text) == 0) return recent;
    }
    space->strings = xgrow(space->strings, space->string_count, sizeof *space->strings);
    return space->strings[space->string_count++] = xstrdup(text);
}

/* ---- lines ---- */

static void address_space_set_path(struct address_space *space, struct region *region,
                                   const char *path) {
    static const char deleted[] = " (deleted)", named[] = "[anon:", shared[] = "[anon_shmem:";
    size_t length = strlen(path);
    region->path = address_space_string(space, path);
    region->is_deleted = length > strlen(deleted) &&
                         strcmp(path + length - strlen(deleted), deleted) == 0 && *path == '/';
    const char *name = strncmp(path, named, strlen(named)) == 0     ? path + strlen(named)
                       : strncmp(path, shared, strlen(shared)) == 0 ? path + strlen(shared)
                                                                    : NULL;
    if (name == NULL) return;
    char *copy = xstrdup(name);
    copy[strlen(copy) - (copy[strlen(copy) - 1] == ']')] = '\0';
    region->anonymous_name = address_space_string(space, copy);
    free(copy);
}

void address_space_add(struct address_space *space, struct region region, const char *path) {
    region.figures.of[FIGURE_SIZE] = region.end - region.start;
    address_space_set_path(space, &region, path);
    space->regions = xgrow(space->regions, space->count, sizeof region);
    space->regions[space->count++] = region;
}

/* Adds the region in a line such as "7f0000-7f2000 r--p 00000000 fe:00 247134    /usr/bin/cat". */
static void address_space_add_region(struct address_space *space, const char *line) {
    struct region region = {.path = "", .flags = ""};
    unsigned major, minor;
    int path = 0;
    int numbers = sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", &region.start, &region.end,
                         region.permissions, &region.offset, &major, &minor, &region.inode, &path);
    if (numbers != 7 || region.end <= region.start || strlen(region.permissions) != 4) return;
    region.device = major << 20 | minor;
    address_space_add(space, region, path == 0 ? "" : line + path);
}

/* Stores a line such as "Rss:      8 kB". `next` is the figure that probably comes next. */
static void address_space_add_figure(struct figures *figures, const char *line, int *next) {
    size_t length = strcspn(line, ":");
    for (int i = 0; i < FIGURES; i++) {
        int figure = (*next + i) % FIGURES;
        const char *field = figure_table[figure].field;
        if (strncmp(line, field, length) != 0 || field[length] != '\0') continue;
        figures->of[figure] = strtoull(line + length + 1, NULL, 10) * 1024;
        *next = figure + 1;
        return;
    }
}

static bool address_space_line_has(const char *line, const char *field, const char **value) {
    size_t length = strlen(field);
    if (strncmp(line, field, length) != 0) return false;
    *value = line + length + strspn(line + length, " ");
    return true;
}

/* Stores a line of smaps that follows the line of its region. */
static void address_space_add_field(struct address_space *space, char *line, int *next) {
    struct region *region = &space->regions[space->count - 1];
    const char *value;
    if (address_space_line_has(line, "VmFlags:", &value)) {
        for (size_t end = strlen(line); end > 0 && line[end - 1] == ' ';) line[--end] = '\0';
        region->flags = address_space_string(space, value);
    } else if (address_space_line_has(line, "THPeligible:", &value)) {
        region->is_huge_eligible = *value == '1';
    } else if (address_space_line_has(line, "KernelPageSize:", &value)) {
        region->page_size = strtoull(value, NULL, 10) * 1024;
    } else {
        address_space_add_figure(&region->figures, line, next);
    }
}

/* ---- files ---- */

/* Reads smaps or maps. Returns 0, or the error of opening it; a process that ends meanwhile has
 * fewer regions. */
static int address_space_read_regions(struct address_space *space, const char *name) {
    char *line = NULL;
    size_t room = 0;
    int next = 0;
    FILE *file = proc_open(space->process, name);
    if (file == NULL) return errno;
    while (getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (!isupper((unsigned char)*line))
            address_space_add_region(space, line);
        else if (space->count != 0)
            address_space_add_field(space, line, &next);
    }
    free(line);
    fclose(file);
    return 0;
}

static void address_space_read_rollup(struct address_space *space) {
    char line[256];
    int next = 0;
    FILE *file = proc_open(space->process, "smaps_rollup");
    if (file == NULL) return;
    while (fgets(line, sizeof line, file) != NULL) {
        if (!isupper((unsigned char)*line)) continue;
        address_space_add_figure(&space->rollup, line, &next);
        space->has_rollup = true;
    }
    fclose(file);
    space->rollup.of[FIGURE_SIZE] = space->total.of[FIGURE_SIZE];
}

static void address_space_read_break(struct address_space *space) {
    space->break_start = space->break_end = proc_stat_number(space->process, STAT_START_BREAK);
    for (size_t i = 0; i < space->count; i++) {
        if (strcmp(space->regions[i].path, "[heap]") != 0) continue;
        if (space->break_start == 0) space->break_start = space->regions[i].start;
        space->break_end = space->regions[i].end;
    }
}

static void address_space_read_stack_limit(struct address_space *space) {
    static const char title[] = "Max stack size";
    char line[256];
    FILE *file = proc_open(space->process, "limits");
    if (file == NULL) return;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, title, strlen(title)) == 0)
            space->stack_limit = strtoull(line + strlen(title), NULL, 10);
    fclose(file);
}

void address_space_sum_kinds(const struct address_space *space,
                             struct region_sum sums[REGION_KINDS]) {
    for (int i = 0; i < REGION_KINDS; i++)
        sums[i] = (struct region_sum){.kind = (enum region_kind)i};
    for (size_t i = 0; i < space->count; i++) {
        struct region_sum *sum = &sums[space->regions[i].kind];
        sum->regions++;
        figures_add(&sum->figures, &space->regions[i].figures);
    }
}

static void address_space_sum_up(struct address_space *space) {
    space->mapping_count = space->count;
    for (size_t i = 0; i < space->count; i++)
        figures_add(&space->total, &space->regions[i].figures);
}

static enum address_space_result address_space_read_once(struct address_space *space,
                                                         pid_t process) {
    *space = (struct address_space){.process = process};
    int error = address_space_read_regions(space, "smaps");
    space->has_figures = error == 0;
    if (error != 0) error = address_space_read_regions(space, "maps");
    if (error == EACCES || error == EPERM) return ADDRESS_SPACE_DENIED;
    if (space->count == 0) return ADDRESS_SPACE_NONE;
    address_space_sum_up(space);
    address_space_read_rollup(space);
    address_space_read_break(space);
    address_space_read_stack_limit(space);
    address_space_read_threads(space);
    address_space_read_program(space);
    return ADDRESS_SPACE_READ;
}

/* Finds out what the regions are. */
static void address_space_divide(struct address_space *space) {
    address_space_find_bss(space);
    address_space_classify(space);
    address_space_find_stacks(space);
}

void address_space_finish(struct address_space *space) {
    address_space_sum_up(space);
    address_space_divide(space);
}

#define READ_TRIES 50
static const struct timespec address_space_pause = {.tv_nsec = 2000000};

/* While a process executes another program, or ends, only a part of its regions can be read. The
 * address of its stack shows that: it is random, and 0 until the program is loaded. */
enum address_space_result address_space_read(struct address_space *space, pid_t process) {
    for (int i = 0; i < READ_TRIES; i++) {
        uint64_t before = proc_stat_number(process, STAT_START_STACK);
        enum address_space_result result = address_space_read_once(space, process);
        if (result != ADDRESS_SPACE_READ) return result;
        if (before != 0 && proc_stat_number(process, STAT_START_STACK) == before) {
            space->stack_start = before;
            space->started = proc_stat_number(process, STAT_START_TIME);
            address_space_divide(space);
            return result;
        }
        address_space_free(space);
        nanosleep(&address_space_pause, NULL);
    }
    return ADDRESS_SPACE_NONE;
}

void address_space_free(struct address_space *space) {
    for (size_t i = 0; i < space->string_count; i++) free(space->strings[i]);
    free(space->strings);
    free(space->regions);
    free(space->threads);
    free(space->bss);
    *space = (struct address_space){0};
}

/* ---- look-ups ---- */

struct region *address_space_find(const struct address_space *space, uint64_t address) {
    size_t low = 0, high = space->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (space->regions[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < space->count && space->regions[low].start <= address ? &space->regions[low] : NULL;
}

bool region_has_flag(const struct region *region, const char *flag) {
    for (const char *at = region->flags; *at != '\0'; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (length == strlen(flag) && strncmp(at, flag, length) == 0) return true;
        at += length;
    }
    return false;
}
