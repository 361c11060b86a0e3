/* The files that a running process has mapped. */
#ifndef MALLOW_PROCESS_MAP_H
#define MALLOW_PROCESS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mapped_file {
    uint64_t start, end; /* addresses */
    uint64_t offset;     /* of the start, in the file */
    bool is_executable;  /* the process may execute its pages */
    char *path;          /* as the process sees it */
    char *local_path;    /* under which this process can open it; NULL until requested */
};

struct process_map {
    pid_t process;
    struct mapped_file *files; /* sorted by address */
    size_t count;
};

/* Reads the current map. It contains no files if this process may not read it. */
struct process_map *process_map_read(pid_t process);
void process_map_free(struct process_map *map);

/* Returns the file mapped at the address, or NULL. */
struct mapped_file *process_map_find(const struct process_map *map, uint64_t address);

/* Returns a path under which this process can open the file. The mapping process may have a
 * different root directory, and the file may have been renamed or removed since. */
const char *process_map_local_path(const struct process_map *map, struct mapped_file *file);

#endif
