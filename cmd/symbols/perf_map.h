/* Functions that a just-in-time compiler has generated, by the file /tmp/perf-PID.map, which
 * python3 -X perf, node --perf-basic-prof and others write. */
#ifndef MALLOW_PERF_MAP_H
#define MALLOW_PERF_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbols/symbols.h"

struct perf_map;

/* Reads the map of the process with that ID (`number` is the ID in its own PID namespace, and
 * `process` is 0 if it has ended). Returns NULL if there is none, or if it was last changed before
 * `started` (nanoseconds since 1970), because then another process has written it. */
struct perf_map *perf_map_read(pid_t process, uint32_t number, uint64_t started);

/* Stores the function at the address, if there is one. */
void perf_map_find(const struct perf_map *map, uint64_t address, struct symbol_list *list);

void perf_map_free(struct perf_map *map);

#endif
