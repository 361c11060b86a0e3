/* Functions that the files of this folder share. */
#ifndef MALLOW_MAP_INSIDE_H
#define MALLOW_MAP_INSIDE_H

#include <stdbool.h>

#include "mallow/map.h"

/* ---- kinds of mappings ---- */

/* Private members of `how`. Every mapping has exactly one of the three modes for files and the
 * first two values below. */
#define MAP_MEMORY 0x1000u /* private memory */
#define MAP_SHARED_MEMORY 0x2000u
#define MAP_DEVICE 0x4000u /* the file has no length */

#define MAP_MODES (unsigned)(MALLOW_MAP_READ | MALLOW_MAP_WRITE | MALLOW_MAP_PRIVATE)

static inline bool map_has(const struct mallow_map *map, unsigned some_how) {
    return (map->how & some_how) != 0;
}

/* Returns true if the mapping belongs to a file whose length matters. */
static inline bool map_is_of_file(const struct mallow_map *map) {
    return !map_has(map, MAP_MEMORY | MAP_DEVICE);
}

/* ---- pages ----
 *
 *     pages            data                                  data + bytes
 *     | lead           | file_bytes         | zeros          | unused |
 *     | pages of the file                   | anonymous pages         |
 *
 * A mapping of 0 bytes has one page, so that it has an address.
 */

static inline char *map_pages(const struct mallow_map *map) {
    return (char *)map->data - map->lead;
}

/* Returns the number of bytes in all pages if the length is `bytes`, or 0 if it overflows. */
size_t map_span(const struct mallow_map *map, size_t bytes);

/* Maps the pages from the offset `from` to `to`, which map_pages has or will have, at the address
 * `at`. `flags` is MAP_FIXED, MAP_FIXED_NOREPLACE, or 0 if the kernel chooses the address. Returns
 * NULL and sets errno on failure. */
char *map_cover(const struct mallow_map *map, char *at, size_t from, size_t to, int flags);

/* ---- files ---- */

/* Stores how many bytes there are between the offset of the mapping and the end of the file. */
enum mallow_result map_rest_of_file(const struct mallow_map *map, uint64_t file_bytes,
                                    size_t *bytes, const char *function);

/* Fails if RLIMIT_FSIZE forbids a length of `end` bytes for a file that has `now` bytes. Without
 * this check, the kernel would send SIGXFSZ. */
enum mallow_result map_check_file_limit(uint64_t now, uint64_t end, const char *function);

/* Extends the file, which has `file_bytes` bytes, if it does not have all bytes of the mapping. */
enum mallow_result map_extend_file(const struct mallow_map *map, uint64_t file_bytes,
                                   const char *function);

/* ---- ranges ---- */

/* Checks a range of a mapping, and replaces MALLOW_MAP_ALL by the length of the rest. */
enum mallow_result map_check(const struct mallow_map *map, size_t offset, size_t *bytes,
                             const char *function);

struct map_range {
    char *low;
    size_t bytes; /* whole pages; 0 if there are none */
};

/* Returns the pages that contain a byte of the range. */
struct map_range map_pages_around(const struct mallow_map *map, size_t offset, size_t bytes);

/* Returns the pages that contain no byte of the mapping outside the range. */
struct map_range map_pages_inside(const struct mallow_map *map, size_t offset, size_t bytes);

/* ---- errors ---- */

/* Records that a system call failed with the current errno. `wanted` is the number of bytes that it
 * should have mapped. */
enum mallow_result map_fail(const char *function, const char *call, size_t wanted,
                            const char *advice);

enum mallow_result map_refuse(const char *function, const char *advice);

/* Stores the size of a huge page. Returns false if the kernel has none. */
bool map_huge_page(size_t *bytes);

/* Records that a mapping of huge pages failed with the current errno. */
enum mallow_result map_fail_huge(const char *function, const char *call, size_t wanted,
                                 size_t page);

/* ---- access that may fault ---- */

/* Calls call(argument), which may access the range and nothing else of the mapping. Returns the
 * error if the access faults, or if the file no longer has the range. */
enum mallow_result map_guard(const struct mallow_map *map, size_t offset, size_t bytes,
                             void (*call)(void *argument), void *argument, const char *function);

#endif
