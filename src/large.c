#include "large.h"

#include <string.h>

#include "lock.h"
#include "mapping.h"
#include "os.h"
#include "pages.h"
#include "purge.h"
#include "settings.h"

#define MOVE_MIN ((size_t)256 * KIB) /* bytes that are moved rather than copied */

static void *run_alloc(size_t size, size_t align, bool *zeroed) {
    size_t pages = (size + RUN_PAGE - 1) >> RUN_SHIFT;
    size_t align_pages = max_size(align >> RUN_SHIFT, 1);
    if (pages + align_pages > UINT32_MAX / 2) return NULL;
    lock_take(&global_lock);
    uint32_t page = pages_alloc((uint32_t)pages, (uint32_t)align_pages, RUN_BLOCK, zeroed);
    lock_drop(&global_lock);
    return page == 0 ? NULL : page_start(page);
}

/* A mapping brings fresh pages as a run of clean ones does. */
static void exchange_for_mapping(size_t pages) {
    lock_take(&global_lock);
    pages_settle();
    purge_after_alloc(pages, true);
    lock_drop(&global_lock);
}

static void *map_alloc(size_t size, size_t align, bool *zeroed) {
    *zeroed = true;
    void *p = mapping_alloc(size, align);
    if (p != NULL) exchange_for_mapping(size >> RUN_SHIFT);
    return p;
}

void *large_alloc(size_t size, size_t align, bool *zeroed) {
    /* Each is the other's way out when address space or mappings are short. */
    size_t threshold = racy_load(size_t, &settings.mmap_threshold);
    /* A mapping's ends are cut to alignment; a run's would stay in the heap. */
    bool map_first = (size >= threshold || align >= 16 * MIB) && settings.mmap_max > 0;
    void *p = map_first ? map_alloc(size, align, zeroed) : run_alloc(size, align, zeroed);
    if (p != NULL || settings.mmap_max == 0) return p;
    return map_first ? run_alloc(size, align, zeroed) : map_alloc(size, align, zeroed);
}

/* The page that a block begins at, or 0. One word tells, so it may be asked without the lock. */
static uint32_t block_page(const void *p) {
    size_t granules = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE);
    if ((uintptr_t)p % RUN_PAGE != 0 || granule_of(p) >= granules) return 0;
    uint32_t page = page_of(p);
    return tag_kind(run_tag(page)) == RUN_BLOCK ? page : 0;
}

bool large_free(void *p) {
    uint32_t page = block_page(p);
    return page != 0 && pages_free_later(page);
}

size_t large_usable(const void *p) {
    uint32_t page = block_page(p);
    return page == 0 ? 0 : (size_t)tag_pages(run_tag(page)) << RUN_SHIFT;
}

static bool resize_in_place(uint32_t page, uint32_t pages) {
    uint32_t have = tag_pages(run_tag(page));
    if (pages < have) pages_shrink(page, pages);
    return pages <= have || pages_extend(page, pages);
}

/* Whole pages of the kernel's, which may be larger than ours: it would move what else is on them.
 */
static bool are_movable(const char *from, const char *to, size_t bytes) {
    return (((uintptr_t)from | (uintptr_t)to | bytes) & (os_page_size() - 1)) == 0;
}

/* Moves the run's pages into a mapping of its own without copying; the run is clean afterwards. The
 * mapping is as long as the run first: else it would be two to the kernel, and could not grow. */
static void *move_to_mapping(void *p, size_t bytes, size_t size) {
    if (!are_movable(p, NULL, bytes)) return NULL;
    char *block = mapping_alloc(bytes, RUN_PAGE);
    if (block == NULL) return NULL;
    char *grown = NULL;
    if (os_move_pages(p, block, bytes)) {
        grown = mapping_resize(block, size);
        if (grown == NULL && !os_move_pages(block, p, bytes)) memcpy(p, block, bytes);
    }
    if (grown == NULL) {
        mapping_free(block);
        return NULL;
    }
    lock_take(&global_lock);
    pages_free(page_of(p), true);
    lock_drop(&global_lock);
    return grown;
}

/* Moves the run to a larger one. Into fresh pages nothing is copied: the old ones move there. */
static void *move_to_run(void *p, size_t bytes, uint32_t pages) {
    bool clean;
    lock_take(&global_lock);
    uint32_t page = pages_alloc(pages, 1, RUN_BLOCK, &clean);
    lock_drop(&global_lock);
    if (page == 0) return NULL;
    char *moved = page_start(page);
    bool emptied = clean && bytes >= MOVE_MIN && are_movable(p, moved, bytes) &&
                   os_move_pages(p, moved, bytes);
    if (!emptied) memcpy(moved, p, bytes);
    lock_take(&global_lock);
    pages_free(page_of(p), emptied);
    lock_drop(&global_lock);
    return moved;
}

void *large_resize(void *p, size_t size) {
    size_t bytes = large_usable(p);
    size_t pages = (size + RUN_PAGE - 1) >> RUN_SHIFT;
    if (bytes == 0 || pages > UINT32_MAX / 2) return NULL;
    lock_take(&global_lock);
    pages_settle();
    bool done = resize_in_place(page_of(p), (uint32_t)pages);
    lock_drop(&global_lock);
    if (done) return p;
    if (size < racy_load(size_t, &settings.mmap_threshold) || settings.mmap_max == 0)
        return move_to_run(p, bytes, (uint32_t)pages);
    return move_to_mapping(p, bytes, size);
}
