/* The page arithmetic of mappings, and the files that they extend. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/kernel_file.h"
#include "map/map_inside.h"

#ifndef MAP_FIXED_NOREPLACE
#    define MAP_FIXED_NOREPLACE 0x100000
#endif

/* ---- pages ---- */

size_t map_span(const struct mallow_map *map, size_t bytes) {
    size_t unrounded = map->lead + (bytes == 0 ? 1 : bytes), rounded;
    if (bytes > PTRDIFF_MAX || __builtin_add_overflow(unrounded, map->page - 1, &rounded)) return 0;
    return rounded / map->page * map->page;
}

/* Returns the number of bytes in pages of the file. */
static size_t map_backed(const struct mallow_map *map) {
    if (map_has(map, MAP_MEMORY)) return 0;
    if (map->bytes != map->file_bytes && map->file_bytes == 0) return 0;
    return map_span(map, map->file_bytes);
}

static char *map_pages_of_file(const struct mallow_map *map, char *at, size_t from, size_t bytes,
                               int flags) {
    bool is_private = map_has(map, MALLOW_MAP_PRIVATE);
    int protection = map_has(map, MALLOW_MAP_READ) ? PROT_READ : PROT_READ | PROT_WRITE;
    return kernel_map_pages(at, bytes, protection, flags | (is_private ? MAP_PRIVATE : MAP_SHARED),
                            map->descriptor, map->offset - map->lead + from);
}

static char *map_pages_of_memory(const struct mallow_map *map, char *at, size_t bytes, int flags) {
    int protection = map_has(map, MALLOW_MAP_READ) ? PROT_READ : PROT_READ | PROT_WRITE;
    flags |= MAP_PRIVATE | MAP_ANONYMOUS | (map_has(map, MALLOW_MAP_HUGE) ? MAP_HUGETLB : 0);
    char *p = kernel_map_pages(at, bytes, protection, flags, -1, 0);
    if (p != NULL) kernel_name_pages(p, bytes, map->name);
    return p;
}

/* If there are both kinds of pages, the first call takes the addresses of both. */
char *map_cover(const struct mallow_map *map, char *at, size_t from, size_t to, int flags) {
    size_t backed = map_backed(map);
    if (backed <= from) return map_pages_of_memory(map, at, to - from, flags);
    char *p = map_pages_of_file(map, at, from, to - from, flags);
    if (p == NULL || backed >= to) return p;
    if (map_pages_of_memory(map, p + (backed - from), to - backed, MAP_FIXED) != NULL) return p;
    int error = errno;
    kernel_unmap(p, to - from);
    errno = error;
    return NULL;
}

/* ---- files ---- */

enum mallow_result map_rest_of_file(const struct mallow_map *map, uint64_t file_bytes,
                                    size_t *bytes, const char *function) {
    if (map_has(map, MAP_DEVICE) && file_bytes == 0)
        return map_refuse(function, "the device has no known length: pass the number of bytes");
    if (map->offset > file_bytes)
        return map_refuse(function, "the offset is after the end of the file");
    uint64_t rest = file_bytes - map->offset;
    if (rest > PTRDIFF_MAX)
        return failure_set((struct mallow_error){
            .result = MALLOW_TOO_LARGE, .function = function, .wanted = rest});
    *bytes = (size_t)rest;
    return MALLOW_OK;
}

enum mallow_result map_check_file_limit(uint64_t now, uint64_t end, const char *function) {
    uint64_t maximum;
    if (!kernel_limit(RLIMIT_FSIZE, &maximum) || end <= maximum) return MALLOW_OK;
    return failure_set((struct mallow_error){.result = MALLOW_AT_LIMIT,
                                             .error = EFBIG,
                                             .function = function,
                                             .limit = MALLOW_LIMIT_FILE_SIZE,
                                             .used = now,
                                             .maximum = maximum,
                                             .wanted = end - now});
}

/* The length is set by an allocation, and not by ftruncate(2): if another process extends the file
 * further at the same time, nothing is cut off. If no space is to be reserved, only the last byte
 * is allocated. */
enum mallow_result map_extend_file(const struct mallow_map *map, uint64_t file_bytes,
                                   const char *function) {
    uint64_t end = map->offset + map->bytes, from = file_bytes;
    if (end <= file_bytes) return MALLOW_OK;
    enum mallow_result result = map_check_file_limit(file_bytes, end, function);
    if (result != MALLOW_OK) return result;
    if (map_has(map, MALLOW_MAP_SPARSE | MAP_SHARED_MEMORY)) from = end - 1;
    if (kernel_reserve(map->descriptor, from, end - from)) return MALLOW_OK;
    return map_fail(function, "fallocate", map->bytes,
                    errno == EPERM ? "the file is sealed against growth" : NULL);
}

/* ---- ranges ---- */

enum mallow_result map_check(const struct mallow_map *map, size_t offset, size_t *bytes,
                             const char *function) {
    size_t end;
    if (map == NULL || map->data == NULL) return map_refuse(function, "there is no mapping");
    if (*bytes == MALLOW_MAP_ALL && offset <= map->bytes) *bytes = map->bytes - offset;
    if (__builtin_add_overflow(offset, *bytes, &end)) end = SIZE_MAX;
    if (end <= map->bytes) return MALLOW_OK;
    return failure_set((struct mallow_error){
        .result = MALLOW_NO_ROOM, .function = function, .wanted = end, .maximum = map->bytes});
}

struct map_range map_pages_around(const struct mallow_map *map, size_t offset, size_t bytes) {
    size_t low = (map->lead + offset) / map->page * map->page;
    size_t high = map->lead + offset + bytes + map->page - 1;
    struct map_range range = {map_pages(map) + low, high / map->page * map->page - low};
    if (bytes == 0) range.bytes = 0;
    return range;
}

/* The unused bytes of the first and last page belong to the mapping's first and last byte. */
struct map_range map_pages_inside(const struct mallow_map *map, size_t offset, size_t bytes) {
    size_t low = map->lead + offset + map->page - 1, high = map->lead + offset + bytes;
    if (offset == 0) low = 0;
    if (offset + bytes == map->bytes) high += map->page - 1;
    low = low / map->page * map->page;
    high = high / map->page * map->page;
    return (struct map_range){map_pages(map) + low, bytes == 0 || high < low ? 0 : high - low};
}
