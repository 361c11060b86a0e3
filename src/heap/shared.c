#include "heap/shared.h"

#include <string.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "os/open_lock.h"
#include "pages/meta.h"
#include "pages/pages.h"

#define UNITS ((uint32_t)(GRANULE / UNIT))

/* The free slots of a class. */
struct shared_depot {
    char **slots;
    uint32_t count, capacity;
};

static struct shared_depot shared_depots[SHARED_CLASSES];

/* The granule from which new slots are carved. */
static struct {
    struct slab *granule;
    uint32_t units;
    bool clean;
} shared_carving = {.units = UNITS};

static bool shared_add_granule_locked(void) {
    open_lock_assert_held(&global_lock);
    void *states = meta_alloc(UNITS);
    if (states == NULL) return false;
    bool clean;
    uint32_t page = pages_alloc(GRANULE_PAGES, GRANULE_PAGES, RUN_SLAB, &clean);
    if (page == 0) {
        meta_free(states, UNITS);
        return false;
    }
    memset(states, SLOT_FRESH, UNITS);
    struct slab *granule = slab_of(page / GRANULE_PAGES);
    granule->state = states;
    granule->index = 0;
    granule->kind = GRANULE_SHARED;
    shared_carving.clean = false; /* until granule and units are stored */
    signal_order();
    shared_carving.granule = granule;
    shared_carving.units = 0;
    signal_order();
    shared_carving.clean = clean;
    return true;
}

/*
 * Shared slots have their own lock, because programs with many short-lived threads take many of
 * them. A thread that is refused the lock allocates from a slab instead. A slot that it frees stays
 * unused until the depots are rebuilt. Both cost only memory.
 */
static void shared_find_free_slots(void);
struct open_lock shared_lock = {.repair = shared_find_free_slots, .kind = SHARED_LOCK};

static bool shared_add_granule(void) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    bool done = shared_add_granule_locked();
    open_lock_drop(&global_lock, &hold);
    return done;
}

/* Smaller slots have cache lines of their own, because their neighbours may belong to other
 * threads. Larger slots share at most the lines at their ends. */
#define WHOLE_LINES_BELOW ((size_t)2 * CACHE_LINE)

static size_t shared_alignment(unsigned size_class) {
    size_t line = size_class_bytes(size_class) < WHOLE_LINES_BELOW ? CACHE_LINE : UNIT;
    return max_size(size_class_alignment(size_class), line);
}

static char *shared_carve(unsigned size_class) {
    open_lock_assert_held(&shared_lock);
    MALLOW_ASSERT(size_class != CLASS_ZERO && size_class < SHARED_CLASSES);
    size_t size = size_class_bytes(size_class), align = shared_alignment(size_class);
    uint32_t at = (uint32_t)(round_up((size_t)shared_carving.units * UNIT, align) / UNIT);
    if (at + size / UNIT > UNITS) {
        if (!shared_add_granule()) return NULL;
        at = 0;
    }
    /* Written even if the slot needs no mark: an earlier carve may have been left halfway. */
    MALLOW_ASSERT(at >= shared_carving.units && at + size / UNIT <= UNITS);
    MALLOW_ASSERT(slot_state_get(&shared_carving.granule->state[at]) == SLOT_FRESH);
    if (at + 1 < UNITS)
        atomic_store_explicit(&shared_carving.granule->state[at + 1],
                              size > UNIT ? (uint8_t)(SHARED_CLASS_MARK + size_class) : SLOT_FRESH,
                              memory_order_relaxed);
    /* Release: a thread that counts slots (stats.c) and sees this one sees its class too. */
    atomic_store_explicit(&shared_carving.granule->state[at], SLOT_USED, memory_order_release);
    shared_carving.units = at + (uint32_t)(round_up(size, min_size(align, CACHE_LINE)) / UNIT);
    return granule_start(slab_granule(shared_carving.granule)) + (size_t)at * UNIT;
}

char *shared_take(unsigned size_class, bool *zeroed) {
    struct shared_depot *depot = &shared_depots[size_class];
    char *slot;
    struct lock_hold hold;
    if (!open_lock_take(&shared_lock, &hold)) return NULL;
    if (depot->count > 0) {
        slot = depot->slots[--depot->count];
        MALLOW_ASSERT(slot_state_get(shared_state(slot)) == SLOT_FREE);
        MALLOW_ASSERT(shared_class(slab_of(granule_of(slot)), shared_unit(slot)) == size_class);
        slot_state_set(shared_state(slot), SLOT_USED);
        *zeroed = false;
    } else {
        slot = shared_carve(size_class);
        *zeroed = shared_carving.clean;
    }
    open_lock_drop(&shared_lock, &hold);
    return slot;
}

/* Makes room for more slots. If that fails, the slot that is to be added stays unused until the
 * depots are rebuilt. */
static bool shared_depot_grow(struct shared_depot *depot) {
    MALLOW_ASSERT(depot->count == depot->capacity);
    uint32_t capacity = depot->capacity == 0 ? 8 : depot->capacity * 2;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    char **slots = meta_alloc(capacity * sizeof *slots);
    if (slots != NULL) {
        if (depot->capacity != 0) {
            memcpy(slots, depot->slots, depot->count * sizeof *slots);
            meta_free(depot->slots, depot->capacity * sizeof *slots);
        }
        depot->slots = slots;
        depot->capacity = capacity;
    }
    open_lock_drop(&global_lock, &hold);
    return slots != NULL;
}

static void shared_depot_add(struct shared_depot *depot, char *slot) {
    if (depot->count < depot->capacity || shared_depot_grow(depot))
        depot->slots[depot->count++] = slot;
}

void shared_give(char *slot) {
    struct slab *granule = slab_of(granule_of(slot));
    MALLOW_ASSERT(granule->kind == GRANULE_SHARED);
    MALLOW_ASSERT(slot_state_get(shared_state(slot)) == SLOT_CACHED);
    struct lock_hold hold;
    bool locked = open_lock_take(&shared_lock, &hold);
    slot_state_set(shared_state(slot), SLOT_FREE);
    if (!locked) return;
    shared_depot_add(&shared_depots[shared_class(granule, shared_unit(slot))], slot);
    open_lock_drop(&shared_lock, &hold);
}

unsigned shared_class(const struct slab *granule, uint32_t unit) {
    uint8_t mark = unit + 1 < UNITS ? slot_state_get(&granule->state[unit + 1]) : 0;
    return mark >= SHARED_CLASS_MARK && mark < SHARED_CLASS_MARK + SHARED_CLASSES
               ? mark - SHARED_CLASS_MARK
               : 1;
}

uint32_t shared_find_start(const struct slab *granule, uint32_t unit) {
    for (uint32_t at = unit + 1; at-- > 0;) {
        uint8_t state = slot_state_get(&granule->state[at]);
        if (!slot_state_is_used(state) && state != SLOT_FREE && state != SLOT_CACHED) continue;
        return at + size_class_bytes(shared_class(granule, at)) / UNIT > unit ? at : UINT32_MAX;
    }
    return UINT32_MAX;
}

static void shared_rebuild_granule(struct slab *granule) {
    char *start = granule_start(slab_granule(granule));
    for (uint32_t unit = 0; unit < UNITS; unit++)
        if (slot_state_get(&granule->state[unit]) == SLOT_FREE)
            shared_depot_add(&shared_depots[shared_class(granule, unit)],
                             start + (size_t)unit * UNIT);
}

static RARE void shared_find_free_slots(void) {
    size_t granules = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE);
    for (unsigned size_class = 0; size_class < SHARED_CLASSES; size_class++) {
        shared_depots[size_class].count = shared_depots[size_class].capacity = 0;
        shared_depots[size_class].slots = NULL;
    }
    for (size_t granule = 1; granule < granules; granule++)
        if (slab_of(granule)->kind == GRANULE_SHARED) shared_rebuild_granule(slab_of(granule));
}

RARE void shared_after_fork(bool rebuild) {
    bool was_held = open_lock_after_fork(&shared_lock);
    if (was_held || rebuild) shared_find_free_slots();
}

void shared_flush_waiting(struct heap *heap) {
    for (unsigned size_class = 0; size_class < SHARED_CLASSES; size_class++) {
        char *slot = heap->shared_waits[size_class];
        if (slot == NULL) continue;
        heap->shared_waits[size_class] = NULL;
        signal_order();
        shared_give(slot);
    }
}
