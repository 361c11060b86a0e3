#include "pages/large.h"

#include <string.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/mapping.h"
#include "pages/pages.h"
#include "pages/purge.h"
#include "pages/purge_pass.h"

#define MOVE_MIN ((size_t)16 * MIB) /* bytes that are moved rather than copied */

/* Returns the address of the page, and makes the compiler keep it as a pointer from here on. The
 * leak check may stop a thread where it drops the lock, and would not recognise a page number as a
 * pointer to the block. */
static char *large_block_at(uint32_t page) {
    char *p = page_start(page);
    __asm__ volatile("" : "+r"(p));
    return p;
}

static void *large_alloc_run(size_t size, size_t align, bool *zeroed) {
    size_t pages = (size + RUN_PAGE - 1) >> RUN_SHIFT;
    size_t align_pages = max_size(align >> RUN_SHIFT, 1);
    if (pages + align_pages > UINT32_MAX / 2) return NULL;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return NULL;
    uint32_t page = pages_alloc((uint32_t)pages, (uint32_t)align_pages, RUN_BLOCK, zeroed);
    char *p = large_block_at(page);
    open_lock_drop(&global_lock, &hold);
    if (page == 0) return NULL;
    MALLOW_ASSERT((uintptr_t)p % max_size(align, RUN_PAGE) == 0);
    MALLOW_ASSERT(large_usable(p) >= size);
    if (pages > PURGE_SLICE) *zeroed ? purge_pass_exchange(pages) : purge_pass_group();
    return p;
}

/* A mapping brings fresh pages, as a clean run does, so dirty pages are purged in exchange. */
static void *large_alloc_mapping(size_t size, size_t align, bool *zeroed) {
    *zeroed = true;
    void *p = mapping_alloc(size, align);
    if (p != NULL) purge_pass_exchange(size >> RUN_SHIFT);
    return p;
}

static void *large_alloc_either(size_t size, size_t align, bool *zeroed) {
    /* When address space or mappings are scarce, the other way may still succeed. */
    size_t threshold = racy_load(size_t, &settings.mmap_threshold);
    /* The unaligned ends of a mapping are unmapped; those of a run would stay in the heap. */
    bool map_first = (size >= threshold || align >= 16 * MIB) && settings.mmap_max > 0;
    void *p =
        map_first ? large_alloc_mapping(size, align, zeroed) : large_alloc_run(size, align, zeroed);
    if (p != NULL || settings.mmap_max == 0) return p;
    return map_first ? large_alloc_run(size, align, zeroed)
                     : large_alloc_mapping(size, align, zeroed);
}

static bool large_give_back(void) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    pages_settle();
    bool some = pages_give_back();
    open_lock_drop(&global_lock, &hold);
    return some;
}

void *large_alloc(size_t size, size_t align, bool *zeroed) {
    MALLOW_ASSERT(align != 0 && (align & (align - 1)) == 0);
    if (size >> os_address_bits() != 0) return NULL;
    void *p = large_alloc_either(size, align, zeroed);
    return p != NULL || !large_give_back() ? p : large_alloc_either(size, align, zeroed);
}

/* Returns the page at which a block begins at p, or 0. It reads one word, so it needs no lock. */
static uint32_t large_page(const void *p) {
    size_t granules = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE);
    if ((uintptr_t)p % RUN_PAGE != 0 || granule_of(p) >= granules) return 0;
    uint32_t page = page_of(p);
    return tag_kind(run_tag(page)) == RUN_BLOCK ? page : 0;
}

bool large_free(void *p) {
    uint32_t page = large_page(p);
    return page != 0 && pages_free_later(page);
}

size_t large_usable(const void *p) {
    uint32_t page = large_page(p);
    return page == 0 ? 0 : (size_t)tag_pages(run_tag(page)) << RUN_SHIFT;
}

static bool large_resize_in_place(uint32_t page, uint32_t pages) {
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(tag_kind(run_tag(page)) == RUN_BLOCK);
    MALLOW_ASSERT(pages != 0);
    uint32_t have = tag_pages(run_tag(page));
    if (pages < have) pages_shrink(page, pages);
    return pages <= have || pages_extend(page, pages);
}

static void large_free_run(void *p, bool clean) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) {
        pages_free_later(page_of(p));
        return;
    }
    pages_free(page_of(p), clean);
    open_lock_drop(&global_lock, &hold);
}

/* Later blocks of this size come from runs if the threshold is higher. The pages then stay for
 * them, if they may be kept. Their old addresses become inaccessible in any case. */
static bool large_adopt(const struct mapping *gone) {
    struct lock_hold hold;
    if (gone->bytes >= racy_load(size_t, &settings.mmap_threshold)) return false;
    if (!open_lock_take(&global_lock, &hold)) return false;
    bool adopted = pages_adopt(gone->start, gone->bytes);
    open_lock_drop(&global_lock, &hold);
    return adopted;
}

bool large_free_mapping(void *p) {
    struct mapping gone;
    if (!mapping_take_out(p, &gone)) return false;
    if (large_adopt(&gone)) return true;
    settings_adapt_threshold(gone.bytes);
    mapping_unmap(&gone);
    return true;
}

/* The part by which a mapping grows is fresh, so dirty pages are purged in exchange. */
static void large_exchange_growth(size_t before, size_t after) {
    if (after > before) purge_pass_exchange((after - before) >> RUN_SHIFT);
}

void *large_resize_mapping(void *p, size_t size) {
    size_t before = mapping_usable(p);
    void *moved = mapping_resize(p, size);
    if (moved != NULL) large_exchange_growth(before, size);
    return moved;
}

/* Moves the pages of the run into a mapping without a copy. The run is clean afterwards. */
static void *large_move_to_mapping(void *p, size_t bytes, size_t size) {
    void *moved = mapping_move_in(p, bytes, size);
    if (moved == NULL) return NULL;
    large_free_run(p, true);
    large_exchange_growth(bytes, size);
    return moved;
}

/* Copies the block into a new run if that is dirty, because its pages are resident. If the new run
 * is clean and the block is large, its pages move into a mapping instead. */
static void *large_move_to_run(void *p, size_t bytes, uint32_t pages) {
    bool clean;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return NULL;
    uint32_t page = pages_alloc(pages, 1, RUN_BLOCK, &clean);
    char *to = large_block_at(page);
    open_lock_drop(&global_lock, &hold);
    if (page == 0) return NULL;
    if (clean && bytes >= MOVE_MIN) {
        void *moved = large_move_to_mapping(p, bytes, (size_t)pages << RUN_SHIFT);
        if (moved != NULL) return large_free_run(to, true), moved;
    }
    MALLOW_ASSERT(large_usable(to) >= bytes);
    if (pages > PURGE_SLICE) purge_pass_group();
    memcpy(to, p, bytes);
    large_free_run(p, false);
    return to;
}

void *large_resize(void *p, size_t size) {
    size_t bytes = large_usable(p);
    size_t pages = (size + RUN_PAGE - 1) >> RUN_SHIFT;
    if (bytes == 0 || pages > UINT32_MAX / 2) return NULL;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return NULL;
    pages_settle();
    bool done = large_resize_in_place(page_of(p), (uint32_t)pages);
    open_lock_drop(&global_lock, &hold);
    if (done && pages > PURGE_SLICE) purge_pass_group();
    if (done) return p;
    if (size < racy_load(size_t, &settings.mmap_threshold) || settings.mmap_max == 0)
        return large_move_to_run(p, bytes, (uint32_t)pages);
    return large_move_to_mapping(p, bytes, size);
}
