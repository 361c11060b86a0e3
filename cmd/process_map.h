/* The files that a running process has mapped. */
#ifndef MALLOW_PROCESS_MAP_H
#define MALLOW_PROCESS_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mapped_file {
    uint64_t start, end; /* addresses */
    uint64_t offset;     /* of the start, in the file */
    char *path;          /* as the process sees it */
    char *local_path;    /* as it is seen from here; NULL until it is asked for */
};

struct process_map {
    pid_t process;
    struct mapped_file *files; /* by address */
    size_t count;
};

/* The map as it is now; without files when the process may not be looked at. */
struct process_map *process_map_read(pid_t process);
void process_map_free(struct process_map *map);

/* The file mapped at the address, or NULL. */
struct mapped_file *process_map_find(const struct process_map *map, uint64_t address);

/* The path under which this process can open the file. The process may have another root, and the
 * file another name or none by now. */
const char *process_map_local_path(const struct process_map *map, struct mapped_file *file);

#endif
