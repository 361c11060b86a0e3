#include "symbols/perf_map.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "proc/symbol_root.h"

#define FILE_BYTES_MAX ((off_t)1 << 30)
#define NAME_BYTES_MAX 4096
#define ENTRIES_MAX (1u << 24)

struct perf_map_entry {
    uint64_t start, end;
    size_t line; /* a later line replaces an earlier one */
    char *name;
};

struct perf_map {
    struct perf_map_entry *entries; /* by start, the last line first */
    size_t count;
};

/* ---- reading ---- */

/* Opens the file if it is a regular one that was written after the process started. */
static FILE *perf_map_open(const char *path, uint64_t started) {
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0) return NULL;
    bool usable = fstat(fd, &file) == 0 && S_ISREG(file.st_mode) &&
                  file.st_size <= FILE_BYTES_MAX &&
                  (uint64_t)file.st_mtim.tv_sec + 1 >= started / 1000000000;
    FILE *from = usable ? fdopen(fd, "r") : NULL;
    if (from == NULL) close(fd);
    return from;
}

static void perf_map_add_line(struct perf_map *map, const char *line) {
    unsigned long start, size;
    int name = 0;
    if (sscanf(line, "%lx %lx %n", &start, &size, &name) != 2 || name == 0 || size == 0 ||
        start + size < start || map->count == ENTRIES_MAX)
        return;
    map->entries = xgrow(map->entries, map->count, sizeof *map->entries);
    map->entries[map->count] = (struct perf_map_entry){
        start, start + size, map->count, xstrndup(line + name, strcspn(line + name, "\n"))};
    map->count++;
}

static int perf_map_compare(const void *a, const void *b) {
    const struct perf_map_entry *left = a, *right = b;
    if (left->start != right->start) return left->start < right->start ? -1 : 1;
    return left->line > right->line ? -1 : 1;
}

struct perf_map *perf_map_read(pid_t process, uint32_t number, uint64_t started) {
    const char *root = symbol_root() == NULL ? "" : symbol_root();
    char *path = process == 0 ? xasprintf("%s/tmp/perf-%u.map", root, number)
                              : xasprintf("/proc/%d/root/tmp/perf-%u.map", (int)process, number);
    FILE *from = perf_map_open(path, started);
    free(path);
    if (from == NULL) return NULL;
    struct perf_map *map = xcalloc(1, sizeof *map);
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, from) > 0) perf_map_add_line(map, line);
    free(line);
    fclose(from);
    if (map->count > 0) qsort(map->entries, map->count, sizeof *map->entries, perf_map_compare);
    return map;
}

void perf_map_free(struct perf_map *map) {
    if (map == NULL) return;
    for (size_t i = 0; i < map->count; i++) free(map->entries[i].name);
    free(map->entries);
    free(map);
}

/* ---- names ---- */

/* "py::FUNCTION:FILE" */
static bool perf_map_parse_python(const char *name, struct symbol *symbol) {
    const char *function = name + strlen("py::"), *file;
    if (strncmp(name, "py::", strlen("py::")) != 0 || (file = strrchr(function, ':')) == NULL)
        return false;
    symbol->function = xstrndup(function, (size_t)(file - function));
    symbol->file = symbols_copy_name(file + 1);
    return true;
}

/* "KIND:*FUNCTION FILE:LINE:COLUMN", as V8 writes it; the sign before the function stands for the
 * compiler. */
static bool perf_map_parse_v8(const char *name, struct symbol *symbol) {
    size_t kind = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    const char *place = strrchr(name, ' ');
    if (name[kind] != ':' || kind == 0 || place == NULL) return false;
    const char *function = name + kind + 1, *column = strrchr(place, ':'), *line = column;
    function += strspn(function, "*~^+");
    while (line != NULL && line > place && (isdigit((unsigned char)line[-1]))) line--;
    if (line == NULL || line == column || line[-1] != ':' || line - 1 <= place) return false;
    symbol->function =
        function < place ? xstrndup(function, (size_t)(place - function)) : xstrdup("(anonymous)");
    char *file = xstrndup(place + 1, (size_t)(line - 1 - (place + 1)));
    symbol->file = symbols_copy_name(file);
    symbol->line = (int)strtol(line, NULL, 10);
    free(file);
    return true;
}

static const struct perf_map_entry *perf_map_entry_at(const struct perf_map *map,
                                                      uint64_t address) {
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (map->entries[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    /* Entries with the same start follow each other, and the first of them is the newest. */
    while (low > 1 && map->entries[low - 2].start == map->entries[low - 1].start) low--;
    return low > 0 && address < map->entries[low - 1].end ? &map->entries[low - 1] : NULL;
}

void perf_map_find(const struct perf_map *map, uint64_t address, struct symbol_list *list) {
    const struct perf_map_entry *entry = map == NULL ? NULL : perf_map_entry_at(map, address);
    list->count = 0;
    if (entry == NULL) return;
    char *name = symbols_copy_name(entry->name);
    list->symbol[0] = (struct symbol){.function = NULL};
    if (!perf_map_parse_python(name, &list->symbol[0]) &&
        !perf_map_parse_v8(name, &list->symbol[0]))
        list->symbol[0].function = xstrdup(name);
    list->count = 1;
    free(name);
}
