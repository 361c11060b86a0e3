/* Functions that act on a range of a mapping. */
#include <errno.h>
#include <sys/mman.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/kernel_file.h"
#include "mallow/map.h"
#include "map/map_inside.h"

/* These are newer than some C libraries. */
#ifndef MADV_COLD
#    define MADV_COLD 20
#    define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#    define MADV_POPULATE_READ 22
#    define MADV_POPULATE_WRITE 23
#endif

/* ---- flush ---- */

/* Since Linux 2.6.19, msync(2) with MS_ASYNC starts nothing. */
static bool map_start_flush(const struct mallow_map *map, struct map_range range) {
    uint64_t from = map->offset - map->lead + (uint64_t)(range.low - map_pages(map)), in_file;
    if (!kernel_sync(range.low, range.bytes, MS_ASYNC)) return false;
    return map_has(map, MAP_DEVICE) ||
           !kernel_is_file(map->descriptor, map->device, map->inode, &in_file) ||
           kernel_start_writing(map->descriptor, from, range.bytes);
}

enum mallow_result mallow_map_flush(const struct mallow_map *map, size_t offset, size_t bytes,
                                    enum mallow_map_flush_until when) {
    enum mallow_result result = map_check(map, offset, &bytes, __func__);
    if (result != MALLOW_OK) return result;
    if ((unsigned)when > MALLOW_MAP_FLUSH_START) return FAIL(MALLOW_BAD_ARGUMENT);
    if (!map_has(map, MALLOW_MAP_WRITE))
        return FAIL(MALLOW_UNSUPPORTED,
                    .advice = "only a mapping with MALLOW_MAP_WRITE writes to its file");
    struct map_range range = map_pages_around(map, offset, bytes);
    if (range.bytes == 0) return MALLOW_OK;
    if (when == MALLOW_MAP_FLUSH_START)
        return map_start_flush(map, range) ? MALLOW_OK
                                           : map_fail(__func__, "sync_file_range", 0, NULL);
    return kernel_sync(range.low, range.bytes, MS_SYNC) ? MALLOW_OK
                                                        : map_fail(__func__, "msync", 0, NULL);
}

/* ---- advice ---- */

/* Returns the advice for madvise(2), or -1 if the mapping cannot follow it. */
static int map_translate(const struct mallow_map *map, enum mallow_map_advice advice) {
    static const int simple[] = {
        [MALLOW_MAP_NORMAL] = MADV_NORMAL,          [MALLOW_MAP_SEQUENTIAL] = MADV_SEQUENTIAL,
        [MALLOW_MAP_RANDOM] = MADV_RANDOM,          [MALLOW_MAP_WILL_NEED] = MADV_WILLNEED,
        [MALLOW_MAP_DO_NOT_NEED] = MADV_DONTNEED,   [MALLOW_MAP_COLD] = MADV_COLD,
        [MALLOW_MAP_PAGE_OUT] = MADV_PAGEOUT,       [MALLOW_MAP_HUGE_PAGES] = MADV_HUGEPAGE,
        [MALLOW_MAP_SMALL_PAGES] = MADV_NOHUGEPAGE, [MALLOW_MAP_POPULATE] = MADV_POPULATE_READ,
        [MALLOW_MAP_DISCARD] = MADV_DONTNEED,
    };
    bool is_memory = map_has(map, MAP_MEMORY | MAP_SHARED_MEMORY);
    /* MADV_DONTNEED would lose the written bytes of private pages. */
    if (advice == MALLOW_MAP_DO_NOT_NEED && map_has(map, MAP_MEMORY | MALLOW_MAP_PRIVATE))
        return MADV_COLD;
    if (advice == MALLOW_MAP_POPULATE && is_memory) return MADV_POPULATE_WRITE;
    if (advice == MALLOW_MAP_DISCARD && map_has(map, MAP_SHARED_MEMORY)) return MADV_REMOVE;
    if (advice == MALLOW_MAP_DISCARD && !is_memory && !map_has(map, MALLOW_MAP_PRIVATE)) return -1;
    return simple[advice];
}

static bool map_is_limited_to_range(enum mallow_map_advice advice) {
    return advice == MALLOW_MAP_DO_NOT_NEED || advice == MALLOW_MAP_COLD ||
           advice == MALLOW_MAP_PAGE_OUT || advice == MALLOW_MAP_DISCARD;
}

enum mallow_result mallow_map_advise(const struct mallow_map *map, size_t offset, size_t bytes,
                                     enum mallow_map_advice advice) {
    enum mallow_result result = map_check(map, offset, &bytes, __func__);
    if (result != MALLOW_OK) return result;
    if ((unsigned)advice > MALLOW_MAP_DISCARD) return FAIL(MALLOW_BAD_ARGUMENT);
    int for_kernel = map_translate(map, advice);
    if (for_kernel < 0)
        return FAIL(MALLOW_UNSUPPORTED,
                    .advice = "the bytes belong to the file: use fallocate(2) or ftruncate(2)");
    struct map_range range = map_is_limited_to_range(advice) ? map_pages_inside(map, offset, bytes)
                                                             : map_pages_around(map, offset, bytes);
    if (range.bytes == 0 || kernel_advise(range.low, range.bytes, for_kernel)) return MALLOW_OK;
    if (advice == MALLOW_MAP_POPULATE && errno == EFAULT)
        return FAIL(MALLOW_TRUNCATED, .call = "madvise");
    return map_fail(__func__, "madvise", range.bytes, NULL);
}

/* ---- protection ---- */

enum mallow_result mallow_map_protect(const struct mallow_map *map, size_t offset, size_t bytes,
                                      unsigned access) {
    const unsigned known = MALLOW_MAP_CAN_READ | MALLOW_MAP_CAN_WRITE | MALLOW_MAP_CAN_EXECUTE;
    enum mallow_result result = map_check(map, offset, &bytes, __func__);
    if (result != MALLOW_OK) return result;
    if ((access & ~known) != 0) return FAIL(MALLOW_BAD_ARGUMENT);
    int protection = ((access & MALLOW_MAP_CAN_READ) != 0 ? PROT_READ : PROT_NONE) |
                     ((access & MALLOW_MAP_CAN_WRITE) != 0 ? PROT_WRITE : PROT_NONE) |
                     ((access & MALLOW_MAP_CAN_EXECUTE) != 0 ? PROT_EXEC : PROT_NONE);
    struct map_range range = map_pages_around(map, offset, bytes);
    if (range.bytes == 0 || kernel_protect(range.low, range.bytes, protection)) return MALLOW_OK;
    return map_fail(__func__, "mprotect", range.bytes, NULL);
}
