#include "verify.h"

#include "full.h"
#include "guard.h"
#include "hard.h"
#include "lock.h"
#include "os.h"
#include "pagemap.h"
#include "settings.h"
#include "slab.h"

static bool is_damaged(const struct place *place) {
    if (settings.check == CHECK_HARD) return hard_is_damaged(place);
    return place->slab->records != NULL && full_damage(place) != DAMAGE_NONE;
}

static bool report_damaged(const struct place *place, const char *when) {
    if (settings.check == CHECK_HARD) return hard_verify(place, when);
    return full_verify(place, when) != DAMAGE_NONE;
}

/*
 * In the child of a fork: pages that the parent has too are as they were at the fork. It verifies
 * them itself; a child that ends soon, as most do, must not look through all of its parent's.
 */
static UNTOUCHED struct {
    bool forked;
    bool changed_only; /* while at it */
    struct pagemap pages;
} after_fork;

/* True when it is not known. */
static bool is_changed(const char *start, size_t bytes) {
    uint64_t entry;
    uintptr_t at = (uintptr_t)start, end = at + bytes;
    for (; at < end; at = round_up(at + 1, os_page_size()))
        if (!pagemap_at(&after_fork.pages, at, &entry) ||
            (entry & (PAGEMAP_ALONE | PAGEMAP_SWAPPED)) != 0)
            return true;
    return false;
}

static bool is_to_be_verified(const char *start, size_t bytes) {
    return !after_fork.changed_only || is_changed(start, bytes);
}

/* The first damaged slot of the slab from `from` on. Under the global lock, for without it the slab
 * may retire and be made anew with slots of another size. */
static bool find_damaged(struct slab *slab, uint32_t from, struct place *place) {
    bool found = false;
    lock_take(&global_lock);
    bool there = atomic_load_explicit(&slab->owner, memory_order_acquire) != NULL &&
                 slab->kind == GRANULE_SLAB && slab->index == 0;
    char *zero = there ? slab_slot_zero(slab) : NULL;
    if (there) there = is_to_be_verified(zero, (size_t)slab->slots * slab->slot_size);
    for (uint32_t slot = from; there && !found && slot < slab->slots; slot++) {
        *place = (struct place){
            .slab = slab,
            .slot = slot,
            .start = zero + (size_t)slot * slab->slot_size,
            .bytes = slab->slot_size,
            .state = &slab->state[slot],
        };
        found = is_to_be_verified(place->start, place->bytes) && is_damaged(place);
    }
    lock_drop(&global_lock);
    return found;
}

static size_t verify_slab(struct slab *slab, const char *when) {
    size_t damaged = 0;
    struct place place;
    for (uint32_t from = 0; find_damaged(slab, from, &place); from = place.slot + 1)
        damaged += report_damaged(&place, when);
    return damaged;
}

RARE size_t verify_all(const char *when) {
    size_t damaged = guard_check_all();
    size_t granules = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE);
    if (settings.check == CHECK_FREE) return damaged;
    for (size_t granule = 1; granule < granules; granule++) {
        struct slab *slab = slab_of(granule);
        if (atomic_load_explicit(&slab->owner, memory_order_acquire) != NULL)
            damaged += verify_slab(slab, when);
    }
    return damaged;
}

RARE void verify_after_fork(void) { after_fork.forked = true; }

RARE void verify_at_exit(void) {
    if (settings.special == 0) return;
    after_fork.changed_only = after_fork.forked && pagemap_open(&after_fork.pages);
    verify_all("found when the process ended");
    pagemap_close(&after_fork.pages);
    after_fork.changed_only = false;
}
