#include "proc/process_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/path.h"
#include "common/xalloc.h"
#include "proc/proc.h"

static void process_map_add_file(struct process_map *map, struct mapped_file file) {
    map->files = xgrow(map->files, map->count, sizeof file);
    map->files[map->count++] = file;
}

/* Adds the file in a line of /proc/PID/maps. Leaves out anonymous mappings and [names]. */
static void process_map_add_line(struct process_map *map, char *line) {
    struct mapped_file file = {.local_path = NULL};
    char permissions[5] = "";
    int path = 0;
    line[strcspn(line, "\n")] = '\0';
    int numbers = sscanf(line, "%lx-%lx %4s %lx %*s %*s %n", &file.start, &file.end, permissions,
                         &file.offset, &path);
    if (numbers != 4 || path == 0 || line[path] != '/') return;
    file.is_executable = permissions[2] == 'x';
    file.path = xstrdup(line + path);
    process_map_add_file(map, file);
}

struct process_map *process_map_read(pid_t process) {
    struct process_map *map = xcalloc(1, sizeof *map);
    char *line = NULL;
    size_t room = 0;
    map->process = process;
    FILE *maps = proc_open(process, "maps");
    if (maps == NULL) return map;
    while (getline(&line, &room, maps) > 0) process_map_add_line(map, line);
    free(line);
    fclose(maps);
    return map;
}

void process_map_free(struct process_map *map) {
    for (size_t i = 0; i < map->count; i++) {
        free(map->files[i].path);
        free(map->files[i].local_path);
    }
    free(map->files);
    free(map);
}

struct mapped_file *process_map_find(const struct process_map *map, uint64_t address) {
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (map->files[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < map->count && map->files[low].start <= address ? &map->files[low] : NULL;
}

/* ---- paths ---- */

/* Prefers the process's own path if it leads to the same file for this process, because separate
 * debug information is found by that path. Only root may open files in /proc/PID/map_files, but
 * /proc/PID/exe is accessible to the process's user as well. */
static char *process_map_find_path(pid_t process, const struct mapped_file *file) {
    char *path = xasprintf("/proc/%d/root%s", (int)process, file->path);
    if (path_is_same_file(path, file->path)) {
        free(path);
        return xstrdup(file->path);
    }
    if (access(path, R_OK) == 0) return path;
    free(path);
    path = xasprintf("/proc/%d/exe", (int)process);
    if (path_is_link_to(path, file->path)) return path;
    free(path);
    return xasprintf("/proc/%d/map_files/%lx-%lx", (int)process, file->start, file->end);
}

const char *process_map_local_path(const struct process_map *map, struct mapped_file *file) {
    if (file->local_path == NULL) file->local_path = process_map_find_path(map->process, file);
    return file->local_path;
}
