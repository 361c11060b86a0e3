#include "check/verify.h"

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/full.h"
#include "check/hard.h"
#include "check/hard_verify.h"
#include "check/pagemap.h"
#include "check/seal.h"
#include "guard/guard_damage.h"
#include "heap/mode.h"
#include "heap/slab.h"
#include "os/open_lock.h"
#include "os/os.h"

static bool verify_is_damaged(const struct slot_ref *ref) {
    if (settings.check == CHECK_HARD) return hard_is_damaged(ref);
    if (settings.check == CHECK_SEAL) return seal_is_damaged(ref);
    return ref->slab->records != NULL && full_damage(ref) != DAMAGE_NONE;
}

static bool verify_report_damaged(const struct slot_ref *ref, const char *when) {
    if (settings.check == CHECK_HARD) return hard_verify(ref, when);
    if (settings.check == CHECK_SEAL) return seal_verify(ref, when);
    return full_verify(ref, when) != DAMAGE_NONE;
}

/*
 * Decides which pages are looked at. They must be in memory, or swapped, because reading another
 * page would create it. When the child of a fork ends, only pages that no other process has are
 * looked at. The others are as they were at the fork, and the parent verifies them itself. Most
 * children end soon, and must not spend time on all pages of their parent.
 */
struct look {
    uint64_t wanted; /* a page is looked at if its entry has one of these bits */
    struct pagemap pages;
};

/* Returns true if one of the pages is to be looked at, or if its entry cannot be read. */
static bool verify_is_wanted(struct look *look, const char *start, size_t bytes) {
    uint64_t entry;
    uintptr_t at = (uintptr_t)start, end = at + bytes;
    for (; at < end; at = round_up(at + 1, os_page_size()))
        if (!pagemap_at(&look->pages, at, &entry) || (entry & look->wanted) != 0) return true;
    return false;
}

/* Finds the slab's first damaged slot at or after `from`. Takes the global lock, because the slab
 * could otherwise retire and become a slab with slots of another size. */
static bool verify_find_damaged(struct look *look, struct slab *slab, uint32_t from,
                                struct slot_ref *ref) {
    bool found = false;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    bool there = atomic_load_explicit(&slab->owner, memory_order_acquire) != NULL &&
                 slab->kind == GRANULE_SLAB && slab->index == 0;
    char *zero = there ? slab_slot_zero(slab) : NULL;
    if (there) there = verify_is_wanted(look, zero, (size_t)slab->slots * slab->slot_size);
    for (uint32_t slot = from; there && !found && slot < slab->slots; slot++) {
        *ref = (struct slot_ref){
            .slab = slab,
            .slot = slot,
            .start = zero + (size_t)slot * slab->slot_size,
            .bytes = slab->slot_size,
            .state = &slab->state[slot],
        };
        found = verify_is_wanted(look, ref->start, ref->bytes) && verify_is_damaged(ref);
    }
    open_lock_drop(&global_lock, &hold);
    return found;
}

static size_t verify_lead(struct slab *slab, const char *when) {
    return settings.check == CHECK_HARD && slab->index == 0 ? hard_verify_lead(slab, when) : 0;
}

static size_t verify_slab(struct look *look, struct slab *slab, const char *when) {
    struct slot_ref ref;
    size_t damaged = verify_lead(slab, when);
    for (uint32_t from = 0; verify_find_damaged(look, slab, from, &ref); from = ref.slot + 1)
        damaged += verify_report_damaged(&ref, when);
    return damaged;
}

static size_t verify_slabs(struct look *look, const char *when) {
    size_t damaged = 0, granules = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE);
    for (size_t granule = 1; granule < granules; granule++) {
        struct slab *slab = slab_of(granule);
        if (atomic_load_explicit(&slab->owner, memory_order_acquire) != NULL)
            damaged += verify_slab(look, slab, when);
    }
    return damaged;
}

static size_t verify_pages(uint64_t wanted, const char *when) {
    struct look look = {.wanted = wanted};
    size_t damaged = guard_damage_check_all();
    if (settings.check == CHECK_FREE) return damaged;
    pagemap_open(&look.pages);
    damaged += verify_slabs(&look, when);
    pagemap_close(&look.pages);
    return damaged;
}

RARE size_t verify_all(const char *when) { return verify_pages(PAGEMAP_THERE, when); }

static void verify_before_call(void) { verify_all("found by mcheck_pedantic"); }
const struct observer verify_observer = {.before = verify_before_call};

static bool verify_in_child;
RARE void verify_after_fork(void) { verify_in_child = true; }

RARE void verify_at_exit(void) {
    if (mode_is_plain()) return;
    verify_pages(verify_in_child ? PAGEMAP_ALONE | PAGEMAP_SWAPPED : PAGEMAP_THERE,
                 "found when the process ended");
}
