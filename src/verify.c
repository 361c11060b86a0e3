#include "verify.h"

#include "full.h"
#include "guard.h"
#include "hard.h"
#include "settings.h"
#include "slab.h"

static bool verify_slot(const struct place *place, const char *when) {
    if (settings.check == CHECK_HARD) return hard_verify(place, when);
    return place->slab->records != NULL && full_verify(place, when) != DAMAGE_NONE;
}

static size_t verify_slab(struct slab *slab, const char *when) {
    size_t damaged = 0;
    char *zero = slab_slot_zero(slab);
    for (uint32_t slot = 0; slot < slab->slots; slot++) {
        struct place place = {
            .slab = slab,
            .slot = slot,
            .start = zero + (size_t)slot * slab->slot_size,
            .bytes = slab->slot_size,
            .state = &slab->state[slot],
        };
        damaged += verify_slot(&place, when);
    }
    return damaged;
}

RARE size_t verify_all(const char *when) {
    size_t damaged = guard_check_all();
    size_t granules = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE);
    if (settings.check == CHECK_FREE) return damaged;
    for (size_t granule = 1; granule < granules; granule++) {
        struct slab *slab = slab_of(granule);
        if (atomic_load_explicit(&slab->owner, memory_order_acquire) == NULL) continue;
        if (slab->kind == GRANULE_SLAB && slab->index == 0) damaged += verify_slab(slab, when);
    }
    return damaged;
}

RARE void verify_at_exit(void) {
    if (settings.special != 0) verify_all("found when the process ended");
}
