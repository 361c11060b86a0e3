/*
 * Resizes mappings.
 *
 * A mapping grows by a new mapping directly after its pages; the kernel merges the two. mremap(2)
 * only moves pages. It cannot add pages of another kind, such as zeros after the end of a file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/kernel_file.h"
#include "mallow/map.h"
#include "map/map_inside.h"

#ifndef MAP_FIXED_NOREPLACE
#    define MAP_FIXED_NOREPLACE 0x100000
#endif

/* ---- moving pages ---- */

/* Pages that move from one part of the address space to another. The kernel may regard them as
 * several mappings, which move one by one. */
struct map_move {
    uintptr_t low, high; /* the part of /proc/self/maps that lists them */
    char *from, *to;     /* the place of `low` */
    bool is_kept;        /* the pages at `from` stay mapped */
    uintptr_t failed;    /* the first address that could not be moved; 0 if there is none */
    int error;
};

static bool map_move_line(void *state, const char *line) {
    struct map_move *move = state;
    char *at;
    uintptr_t low = strtoull(line, &at, 16), high = strtoull(at + 1, NULL, 16);
    if (low < move->low) low = move->low;
    if (high > move->high) high = move->high;
    if (low >= move->high) return false;
    if (low >= high) return true;
    size_t offset = low - move->low;
    if (kernel_move_pages(move->from + offset, high - low, move->to + offset, move->is_kept))
        return true;
    move->failed = low;
    move->error = errno;
    return false;
}

/* The old pages stay mapped until all are moved, so that no other mapping takes their place. If a
 * move fails, the earlier moves are undone. Newer kernels can move several mappings at once, but do
 * not undo the earlier moves after a failure. */
static bool map_move_each(char *from, size_t bytes, char *to) {
    struct map_move move = {
        .low = (uintptr_t)from, .high = (uintptr_t)from + bytes, .from = from, .to = to};
    move.is_kept = true;
    if (!kernel_read_lines("/proc/self/maps", map_move_line, &move)) return false;
    if (move.failed == 0) return true;
    struct map_move back = {.low = move.low, .high = move.failed, .from = to, .to = from};
    kernel_read_lines("/proc/self/maps", map_move_line, &back);
    errno = move.error;
    return false;
}

/* Kernels before 5.13 and some devices cannot keep the old pages, and /proc may be missing. One
 * mapping can still be moved. */
static bool map_move_all(char *from, size_t bytes, char *to) {
    if (map_move_each(from, bytes, to)) {
        kernel_unmap(from, bytes);
        return true;
    }
    return (errno == EINVAL || errno == ENOENT) && kernel_move_pages(from, bytes, to, false);
}

/* Moves the mapping to a new address, where it has `span` bytes of pages, and stores this
 * address. */
static bool map_relocate(const struct mallow_map *new, size_t old_span, size_t span, char **pages) {
    int huge = map_has(new, MALLOW_MAP_HUGE) ? MAP_HUGETLB : 0;
    char *to = kernel_map_pages(NULL, span, PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | huge, -1, 0);
    if (to == NULL) return false;
    if (map_cover(new, to + old_span, old_span, span, MAP_FIXED) != NULL &&
        map_move_all(*pages, old_span, to)) {
        *pages = to;
        return true;
    }
    int error = errno;
    kernel_unmap(to, span);
    errno = error;
    return false;
}

/* ---- shrinking ---- */

struct map_clearing {
    char *from;
    size_t bytes;
};

static void map_clear(void *argument) {
    struct map_clearing *clearing = argument;
    memset(clearing->from, 0, clearing->bytes);
}

/* Clears the rest of the new last page, so that the memory reads as zero if it grows again. */
static enum mallow_result map_shrink(struct mallow_map *map, size_t bytes, const char *function) {
    size_t old_span = map_span(map, map->bytes), span = map_span(map, bytes);
    size_t end = span - map->lead < map->bytes ? span - map->lead : map->bytes;
    struct map_clearing clearing = {(char *)map->data + bytes, end - bytes};
    if (map_has(map, MAP_MEMORY)) {
        enum mallow_result result =
            map_guard(map, bytes, end - bytes, map_clear, &clearing, function);
        if (result != MALLOW_OK) return result;
    }
    if (span < old_span && !kernel_unmap(map_pages(map) + span, old_span - span))
        return map_fail(function, "munmap", old_span - span, NULL);
    map->bytes = bytes;
    if (map->file_bytes > bytes) map->file_bytes = bytes;
    return MALLOW_OK;
}

/* ---- growing ---- */

/* Computes how many bytes of the file the larger mapping has, and extends the file if needed. If
 * the mapping has pages of zeros after those of its file, only zeros follow. */
static enum mallow_result map_grow_file(const struct mallow_map *old, struct mallow_map *new,
                                        uint64_t in_file, const char *function) {
    if (map_has(new, MALLOW_MAP_WRITE | MAP_SHARED_MEMORY)) {
        new->file_bytes = new->bytes;
        return map_extend_file(new, in_file, function);
    }
    uint64_t rest = in_file > new->offset ? in_file - new->offset : 0;
    if (map_span(old, old->file_bytes) == map_span(old, old->bytes))
        new->file_bytes = rest < new->bytes ? (size_t)rest : new->bytes;
    return MALLOW_OK;
}

static enum mallow_result map_grow(struct mallow_map *map, struct mallow_map *new,
                                   enum mallow_map_place place, const char *function) {
    size_t old_span = map_span(map, map->bytes), span = map_span(new, new->bytes);
    char *pages = map_pages(map);
    /* The page of an empty mapping may be of the wrong kind. */
    if (map->bytes == 0 && map_cover(new, pages, 0, old_span, MAP_FIXED) == NULL)
        return map_fail(function, "mmap", old_span, NULL);
    if (span > old_span &&
        map_cover(new, pages + old_span, old_span, span, MAP_FIXED_NOREPLACE) == NULL) {
        bool is_in_use = errno == EEXIST;
        if (is_in_use && place == MALLOW_MAP_IN_PLACE)
            return failure_set(
                (struct mallow_error){.result = MALLOW_NO_ROOM,
                                      .function = function,
                                      .wanted = new->bytes,
                                      .maximum = old_span - map->lead,
                                      .advice = "allow the mapping to move (MALLOW_MAP_MAY_MOVE)"});
        if (!is_in_use || !map_relocate(new, old_span, span, &pages))
            return map_has(map, MALLOW_MAP_HUGE)
                       ? map_fail_huge(function, "mmap", span - old_span, map->page)
                       : map_fail(function, is_in_use ? "mremap" : "mmap", span - old_span, NULL);
    }
    *map = *new;
    map->data = pages + map->lead;
    return MALLOW_OK;
}

enum mallow_result mallow_map_resize(struct mallow_map *map, size_t bytes,
                                     enum mallow_map_place place) {
    uint64_t in_file = 0;
    if (map == NULL || map->data == NULL || (unsigned)place > MALLOW_MAP_MAY_MOVE)
        return FAIL(MALLOW_BAD_ARGUMENT);
    bool is_of_file = map_is_of_file(map);
    if (is_of_file && !kernel_is_file(map->descriptor, map->device, map->inode, &in_file) &&
        bytes > map->bytes)
        return FAIL(MALLOW_BAD_ARGUMENT, .error = EBADF,
                    .advice = "the program has closed the descriptor of the mapping");
    enum mallow_result result = MALLOW_OK;
    struct mallow_map new = *map;
    if (bytes == MALLOW_MAP_ALL && is_of_file)
        result = map_rest_of_file(map, in_file, &bytes, __func__);
    if (result != MALLOW_OK) return result;
    if (bytes < map->bytes) return map_shrink(map, bytes, __func__);
    new.bytes = bytes;
    if (map_span(map, bytes) == 0 || map->offset > INT64_MAX - map_span(map, bytes))
        return FAIL(MALLOW_TOO_LARGE, .wanted = bytes);
    if (is_of_file) result = map_grow_file(map, &new, in_file, __func__);
    if (map_has(map, MAP_DEVICE)) new.file_bytes = bytes;
    if (result != MALLOW_OK || bytes == map->bytes) return result;
    return map_grow(map, &new, place, __func__);
}
