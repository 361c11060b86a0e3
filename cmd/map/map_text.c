/* Describes the rows of a map in words, in a limited width. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/command.h"
#include "common/printable.h"
#include "common/xalloc.h"
#include "map/map.h"

#define WIDTH_DEFAULT 80
#define WIDTH_MIN 60
#define NAME_MIN 20 /* columns; if notes leave less for the name, they get a line of their own */

int map_width(void) {
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return WIDTH_DEFAULT;
    return size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
}

struct map_amount map_amount_of(uint64_t bytes) {
    static const char units[] = "KMGTPE";
    struct map_amount amount = {"-"};
    double value = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes == 0) return amount;
    while (value >= 1023.5 && units[unit + 1] != '\0') value /= 1024, unit++;
    bool is_whole = unit == 0 || value >= 99.95;
    snprintf(amount.text, sizeof amount.text, is_whole ? "%.0f%c" : "%.1f%c", value, units[unit]);
    return amount;
}

/* ---- characters ---- */

/* Returns the number of columns, counting each character as one. */
static size_t text_columns(const char *text) {
    size_t columns = 0, left = strlen(text);
    for (size_t step; left > 0; text += step, left -= step, columns++) {
        step = utf8_length(text, left);
        if (step == 0) step = 1;
    }
    return columns;
}

/* Copies the text, without its end if it is too long. */
static void text_write_cut(const char *text, size_t columns, FILE *to) {
    if (text_columns(text) <= columns) {
        fputs(text, to);
        return;
    }
    for (size_t have = 0; have + 3 < columns; have++) {
        size_t step = utf8_length(text, strlen(text));
        if (step == 0) step = 1;
        fwrite(text, 1, step, to);
        text += step;
    }
    fputs("...", to);
}

/* Writes a path, or only the name of the file if the path does not fit. */
static void text_write_path(const char *path, bool is_deleted, size_t columns, FILE *to) {
    char *copy = xstrdup(path);
    make_printable(copy, strlen(copy), "");
    if (is_deleted) copy[strlen(copy) - strlen(" (deleted)")] = '\0';
    const char *name = strrchr(copy, '/');
    text_write_cut(text_columns(copy) > columns && name != NULL ? name + 1 : copy, columns, to);
    free(copy);
}

/* ---- notes ---- */

static void text_note(const char *what, uint64_t bytes, FILE *to) {
    if (bytes != 0) fprintf(to, ", %s %s", what, map_amount_of(bytes).text);
}

/* The kernel counts a locked page as its share of it, so a mapping of MLOCK_ONFAULT can have fewer
 * locked bytes than resident ones. */
static void text_write_notes(const struct address_space *space, const struct map_row *row,
                             FILE *to) {
    const uint64_t *of = row->figures.of;
    text_note("swapped", of[FIGURE_SWAP], to);
    text_note("locked", of[FIGURE_LOCKED], to);
    text_note("huge", of[FIGURE_ANON_HUGE] + of[FIGURE_SHMEM_HUGE] + of[FIGURE_FILE_HUGE], to);
    text_note("hugetlb", of[FIGURE_SHARED_HUGETLB] + of[FIGURE_PRIVATE_HUGETLB], to);
    text_note("freed lazily", of[FIGURE_LAZY_FREE], to);
    const struct region *main = &space->regions[row->main];
    if (row->parts == 1 && main->is_deleted && row->family != MAP_SHARED_MEMORY)
        fputs(", deleted", to);
    if (of[FIGURE_LOCKED] == 0 && region_has_flag(main, "lo")) fputs(", locked", to);
    if (row->parts == 1 && region_has_flag(main, "dc")) fputs(", not inherited", to);
    if (row->parts == 1 && region_has_flag(main, "wf")) fputs(", zeroed by fork", to);
}

/* ---- names ---- */

static void text_write_joined(const struct map_row *row, FILE *to) {
    static const char *const names[] = {
        [MAP_LIBRARY] = "libraries",
        [MAP_STACK] = "stacks of threads",
        [MAP_ANONYMOUS] = "anonymous mappings",
        [MAP_FILE] = "mappings of files",
        [MAP_SHARED_MEMORY] = "mappings of shared memory",
        [MAP_MALLOW_BLOCK] = "large blocks of Mallow",
    };
    fprintf(to, "%zu %s", row->parts, names[row->family]);
}

static void text_write_stack(const struct address_space *space, const struct region *region,
                             size_t columns, FILE *to) {
    const struct thread *thread = address_space_thread(space, region->thread);
    char text[96];
    if (region->thread == 0) {
        fputs("stack of an unknown thread", to);
    } else if (region->thread_count > 1 || thread == NULL) {
        fprintf(to, "stack of thread %d", (int)region->thread);
        if (region->thread_count > 1) fprintf(to, " and %u more", region->thread_count - 1);
    } else {
        snprintf(text, sizeof text, "stack of thread %d (%s)", (int)thread->id, thread->name);
        if (text_columns(text) > columns)
            snprintf(text, sizeof text, "stack of %d (%s)", (int)thread->id, thread->name);
        fputs(text, to);
    }
}

/* Returns the words before the path. */
static const char *text_prefix(const struct map_row *row, const struct region *region) {
    switch (region->kind) {
    case REGION_PROGRAM_TEXT:
        return "text of ";
    case REGION_PROGRAM_RODATA:
        return "rodata of ";
    case REGION_PROGRAM_DATA:
        return "data of ";
    case REGION_LIBRARY_TEXT:
        return row->end - row->begin > 1 ? "" : "text of ";
    case REGION_LIBRARY_RODATA:
        return row->end - row->begin > 1 ? "" : "rodata of ";
    case REGION_LIBRARY_DATA:
        return row->end - row->begin > 1 ? "" : "data of ";
    case REGION_FILE_SHARED:
        return "shared file ";
    case REGION_FILE_PRIVATE:
        return "file ";
    case REGION_SHARED_MEMORY:
        return "shared memory ";
    case REGION_JIT:
        return *region->path == '\0' ? NULL : "generated code ";
    default:
        return NULL;
    }
}

static void text_write_kind(const struct region *region, FILE *to) {
    static const char *const names[REGION_KINDS] = {
        [REGION_PROGRAM_BSS] = "bss of the program",
        [REGION_LIBRARY_BSS] = "bss of a library",
        [REGION_BREAK] = "heap, up to the program break",
        [REGION_MALLOW_BLOCK] = "large block of Mallow",
        [REGION_MALLOW_PROFILE] = "samples of Mallow",
        [REGION_MALLOW_STACKS] = "stacks of blocks of Mallow",
        [REGION_MALLOW_GUARDED] = "guarded blocks of Mallow",
    };
    const char *name = names[region->kind];
    if (region->kind == REGION_KERNEL)
        fputs(region->path, to);
    else
        fputs(name != NULL ? name : region_kind_name(region->kind), to);
    if (region->kind == REGION_MALLOW_HEAP && strcmp(region->path, "[heap]") == 0)
        fputs(", up to the program break", to);
}

static void text_write_name(const struct address_space *space, const struct map_row *row,
                            size_t columns, FILE *to) {
    const struct region *region = &space->regions[row->main];
    const char *prefix = text_prefix(row, region);
    if (row->parts > 1) {
        text_write_joined(row, to);
    } else if (region->kind == REGION_THREAD_STACK || region->kind == REGION_MAIN_STACK) {
        text_write_stack(space, region, columns, to);
    } else if (prefix != NULL) {
        fputs(prefix, to);
        size_t used = strlen(prefix);
        columns = columns > used ? columns - used : 0;
        if (region->anonymous_name != NULL)
            text_write_path(region->anonymous_name, false, columns, to);
        else
            text_write_path(region->path, region->is_deleted, columns, to);
    } else {
        text_write_kind(region, to);
        if (region->kind != REGION_ANONYMOUS) return;
        const char *name = region->anonymous_name;
        if (name != NULL) fputs(": ", to);
        if (name != NULL) text_write_path(name, false, columns > 11 ? columns - 11 : 0, to);
    }
}

/* ---- the whole ---- */

#define INDENT_NOTES 2

/* Returns the name in at most that many columns, as far as possible. The caller frees it. */
static char *text_name(const struct address_space *space, const struct map_row *row,
                       size_t columns) {
    char *name;
    size_t length;
    FILE *stream = xopen_memstream(&name, &length);
    text_write_name(space, row, columns, stream);
    xclose_memstream(stream);
    return name;
}

void map_describe_row(const struct address_space *space, const struct map_row *row, int before,
                      int width, FILE *to) {
    size_t columns = (size_t)(width - before), length;
    char *notes, *name = text_name(space, row, columns);
    FILE *stream = xopen_memstream(&notes, &length);
    text_write_notes(space, row, stream);
    xclose_memstream(stream);
    bool fits = text_columns(name) + length <= columns;
    size_t left = !fits && length + NAME_MIN <= columns ? columns - length : columns;
    if (left != columns) {
        free(name);
        name = text_name(space, row, left);
    }
    text_write_cut(name, left, to);
    if (!fits && left == columns && *notes != '\0')
        fprintf(to, "\n%*s%s", before + INDENT_NOTES, "", notes + strlen(", "));
    else
        fputs(notes, to);
    free(notes);
    free(name);
}
