/* Makes slabs, retires them and changes their owners. slab_take.c, slab_available.c and slab_give.c
 * move their slots. */
#include "heap/slab.h"

#include <string.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "heap/size_class.h"
#include "heap/slab_lists.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/meta.h"
#include "pages/page_counts.h"
#include "pages/pages.h"
#include "pages/purge.h"

/* ---- making and retiring ---- */

/*
 * Returns the distance of a new slab's first slot from the slab's start, its colour. Slabs begin at
 * multiples of 64 KiB, so without a colour, corresponding slots of different slabs would compete
 * for the same cache sets. Colours are multiples of a cache line and of the class's alignment. The
 * largest is the room that would be left over after the last slot or, for slots of up to 1 KiB, 960
 * bytes if that is more.
 */
static size_t slab_next_colour(unsigned size_class, size_t bytes) {
    static unsigned turn; /* under the global lock */
    size_t size = size_class_bytes(size_class),
           step = max_size(CACHE_LINE, size_class_alignment(size_class));
    size_t room = bytes % size;
    if (size <= KIB) room = max_size(room, KIB - CACHE_LINE);
    MALLOW_ASSERT(step != 0 && size % size_class_alignment(size_class) == 0);
    open_lock_assert_held(&global_lock);
    return turn++ * step % (room / step * step + step);
}

static void slab_init_states(struct slab *slab, uint32_t phantoms, bool clean) {
    MALLOW_ASSERT(phantoms + slab->capacity == slab->slots);
    MALLOW_ASSERT(slab->slots < slab->state_bytes);
    uint8_t *states = (uint8_t *)slab->state;
    memset(states, SLOT_NONE, phantoms);
    memset(states + phantoms, clean ? SLOT_FRESH : SLOT_FREE, slab->capacity);
    memset(states + slab->slots, SLOT_NONE, slab->state_bytes - slab->slots);
}

/* Fills in the descriptors of the slab's granules. `owner` comes last, because it makes the
 * descriptor valid. The first granule comes last as well. */
/* In check=seal, small slots end with a word. */
static uint32_t slab_tail(unsigned size_class) {
    bool sealed = settings.check == CHECK_SEAL && size_class != CLASS_ZERO;
    return sealed && size_class_bytes(size_class) <= SMALL_MAX ? SEAL_TAIL : 0;
}

static void slab_describe_granules(struct slab *slab, struct heap *heap, unsigned size_class,
                                   uintptr_t slot_zero) {
    size_t size = size_class_bytes(size_class), granule = slab_granule(slab);
    MALLOW_ASSERT(slab->kind != GRANULE_SLAB);
    MALLOW_ASSERT(atomic_load_explicit(&slab->owner, memory_order_relaxed) == NULL);
    for (unsigned i = size_class_granules(size_class); i-- > 0;) {
        struct slab *part = slab_part(slab, i);
        size_t before = ((uintptr_t)granule_start(granule + i) - slot_zero) / size;
        part->reciprocal = reciprocal_of(size);
        part->state = slab->state + before;
        part->magazine = &heap->cached[size_class];
        part->start = (uint32_t)(slot_zero + before * size);
        part->slot_size = (uint32_t)size;
        part->tail = slab_tail(size_class);
        part->size_min = (uint32_t)size_min_for(size);
        part->size_span = (uint32_t)(size - size_min_for(size));
        part->kind = GRANULE_SLAB;
        racy_store(&part->size_class, (uint8_t)size_class); /* see remote_push */
        part->index = (uint8_t)i;
        atomic_store_explicit(&part->owner, heap, memory_order_release);
    }
}

/* In check=hard, slabs end with an inaccessible page. Each such page costs two mappings, so their
 * number is limited to an eighth of the mappings that the kernel allows. */
#define GUARD_PAGE_MAX (16 * KIB)

static size_t slab_end_guard(void) {
    static size_t left = SIZE_MAX; /* under the global lock */
    if (settings.check != CHECK_HARD || os_page_size() > GUARD_PAGE_MAX) return 0;
    if (left == SIZE_MAX) left = os_mapping_limit() / 8;
    open_lock_assert_held(&global_lock);
    if (left == 0) return 0;
    left--;
    return os_page_size();
}

/* Like slab_next_colour, but in check=hard the colour is not 0 unless that would cost a large slot.
 * The room gives hard.c a place to detect a write before the slab's first block. */
static size_t slab_choose_colour(unsigned size_class, size_t bytes) {
    size_t colour = slab_next_colour(size_class, bytes), size = size_class_bytes(size_class);
    if (colour != 0 || settings.check != CHECK_HARD || size_class == CLASS_ZERO) return colour;
    size_t step = max_size(CACHE_LINE, size_class_alignment(size_class));
    return size <= KIB || bytes % size >= step ? step : 0;
}

/* The words at the ends of slots are zero until they are set. */
static void slab_clear_tails(struct slab *slab) {
    char *end = slab_slot_zero(slab) + (size_t)slab->slots * slab->slot_size;
    for (uint32_t i = 0; i < slab->capacity; i++)
        memset(end - (size_t)i * slab->slot_size - slab->tail, 0, slab->tail);
}

static struct slab *slab_create_locked(struct heap *heap, unsigned size_class) {
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(size_class < CLASSES);
    unsigned granules = size_class_granules(size_class);
    size_t guard = size_class == CLASS_ZERO ? 0 : slab_end_guard();
    size_t bytes = granules * GRANULE - guard, size = size_class_bytes(size_class);
    size_t colour = slab_choose_colour(size_class, bytes);
    /* Slot 0 begins at or before the granule. Slots that begin before the colour are phantoms. */
    uint32_t phantoms = (uint32_t)((colour + size - 1) / size);
    uint32_t capacity = (uint32_t)((bytes - colour) / size);
    MALLOW_ASSERT(capacity != 0);
    /* At least one state follows the last slot, for pointers to the remainder after that slot. */
    uint32_t state_bytes = (uint32_t)round_up(phantoms + capacity + 1, CACHE_LINE);

    void *states = meta_alloc(state_bytes);
    if (states == NULL) return NULL;
    bool clean;
    uint32_t page = pages_alloc(granules * GRANULE_PAGES, GRANULE_PAGES, RUN_SLAB, &clean);
    if (page == 0) {
        meta_free(states, state_bytes);
        return NULL;
    }
    if (guard != 0)
        os_protect(page_start(page) + bytes, guard); /* the page stays unused if this fails */
    if (size_class == CLASS_ZERO && !os_protect(page_start(page), bytes)) {
        meta_free(states, state_bytes);
        pages_free(page, clean);
        return NULL;
    }
    struct slab *slab = slab_of(page / GRANULE_PAGES);
    slab->state = states;
    slab->state_bytes = state_bytes;
    slab->capacity = capacity;
    slab->slots = phantoms + capacity;
    slab->in_use = 0;
    slab->age = 0;
    slab->scan = phantoms;
    slab->reach = 0;
    slab->window = 0;
    slab->records = NULL;
    slab->wiped = false;
    slab_init_states(slab, phantoms, clean);
    slab_describe_granules(slab, heap, size_class,
                           (uintptr_t)page_start(page) + colour - phantoms * size);
    if (slab->tail != 0 && !clean) slab_clear_tails(slab);
    heap->granules += granules;
    slab_bin_add(heap, slab);
    MALLOW_ASSERT(slab_is_valid(heap, slab));
    return slab;
}

struct slab *slab_create(struct heap *heap, unsigned size_class) {
    heap_assert_held(heap);
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return NULL;
    struct slab *slab = slab_create_locked(heap, size_class);
    open_lock_drop(&global_lock, &hold);
    return slab;
}

static char *slab_end(struct slab *head) {
    return granule_start(slab_granule(head) + size_class_granules(head->size_class));
}

bool slab_is_end_guard(const void *p) {
    size_t granule = granule_of(p);
    if (settings.check != CHECK_HARD ||
        granule >= __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE))
        return false;
    struct slab *part = slab_of(granule);
    return part->kind == GRANULE_SLAB && part->size_class != CLASS_ZERO &&
           (size_t)(slab_end(slab_head(part)) - (const char *)p) <= os_page_size();
}

bool slab_open_end(const void *p) {
    size_t page = os_page_size();
    return os_commit((char *)((uintptr_t)p & ~(page - 1)), page);
}

static void slab_free_records(struct slab *slab) {
    struct record *records = slab->records;
    slab->records = NULL;
    if (records != NULL) meta_free(records, (size_t)slab->slots * SLAB_RECORD_BYTES);
}

/* `purged`: the slab's pages are not resident and read as zero. Returns false if the lock is
 * refused; the slab then stays listed. */
static bool slab_retire(struct heap *heap, struct slab *slab, bool purged) {
    struct lock_hold hold;
    MALLOW_ASSERT(heap_is_entered(heap));
    MALLOW_ASSERT(slab->in_use == 0);
    MALLOW_ASSERT(slab_is_valid(heap, slab));
    if (!open_lock_take(&global_lock, &hold)) return false;
    slab_bin_remove(heap, slab);
    unsigned size_class = slab->size_class;
    unsigned granules = size_class_granules(size_class);
    heap->granules -= granules;
    for (unsigned i = 0; i < granules; i++) {
        struct slab *part = slab_part(slab, i);
        atomic_store_explicit(&part->owner, NULL, memory_order_relaxed);
        part->kind = GRANULE_RUNS;
    }
    uint32_t page = page_of(granule_start(slab_granule(slab)));
    /* An inaccessible run is lost if it cannot be made accessible again. */
    bool usable = size_class != CLASS_ZERO || os_commit(page_start(page), granules * GRANULE);
    meta_free((void *)slab->state, slab->state_bytes);
    slab_free_records(slab);
    if (usable) {
        pages_free(page, purged);
        purge_after_free();
    }
    open_lock_drop(&global_lock, &hold);
    return true;
}

/* ---- empty slabs ---- */

#define LARGEST_SLAB_PAGES ((size_t)size_class_granules(CLASSES - 1) * GRANULE_PAGES)

/* In check=hard, memory of one class never serves another. */
static bool slab_may_retire(void) { return settings.check != CHECK_HARD; }

/* If a setting limits what may be kept, the kept slabs stay within its slack. During a visit no
 * slab may retire; if there is no room among the kept ones either, the slab stays only in its bin.
 */
void slab_keep_empty(struct heap *heap, struct slab *slab) {
    MALLOW_ASSERT(slab->in_use == 0);
    MALLOW_ASSERT(slab->listed);
    if (!slab_may_retire()) return;
    if (heap->empties < min_size(EMPTY_SLABS, purge_slack() / LARGEST_SLAB_PAGES))
        heap->empty[heap->empties++] = slab;
    else if (!heap_is_visited(heap))
        slab_retire(heap, slab, false);
}

bool slab_retire_empty(struct heap *heap) {
    if (heap->empties == 0) return false;
    if (slab_retire(heap, heap->empty[--heap->empties], false)) return true;
    heap->empties++;
    return false;
}

bool slab_retire_old(struct heap *heap, struct slab *slab) {
    if (slab->in_use != 0 || !slab_may_retire()) return false;
    char *start = granule_start(slab_granule(slab));
    size_t bytes = size_class_granules(slab->size_class) * GRANULE;
    heap_assert_held(heap);
    bool purged = os_purge(start, bytes);
    if (purged) page_counts_add_purged(bytes);
    slab_use_empty(heap, slab);
    slab_retire(heap, slab, purged);
    return true;
}

/* ---- changing hands ---- */

static void slab_own_granules(struct slab *slab, struct heap *heap) {
    MALLOW_ASSERT(slab->index == 0);
    MALLOW_ASSERT(slab->kind == GRANULE_SLAB);
    for (unsigned i = 0; i < size_class_granules(slab->size_class); i++) {
        struct slab *part = slab_part(slab, i);
        part->magazine = &heap->cached[slab->size_class];
        atomic_store_explicit(&part->owner, heap, memory_order_seq_cst);
    }
}

void slabs_follow(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    size_t granules = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE);
    for (size_t granule = 1; granule < granules; granule++) {
        struct slab *slab = slab_of(granule);
        if (atomic_load_explicit(&slab->owner, memory_order_relaxed) == heap && slab->index == 0)
            slab_own_granules(slab, heap);
    }
}

void slab_transfer(struct slab *slab, struct heap *from, struct heap *to) {
    MALLOW_ASSERT(heap_is_entered(from));
    MALLOW_ASSERT(heap_is_entered(to));
    MALLOW_ASSERT(from != to);
    MALLOW_ASSERT(slab_is_valid(from, slab));
    /* The slab can be empty if slab_retire_empty was refused the lock. */
    if (slab->in_use == 0) slab_use_empty(from, slab);
    slab_bin_remove(from, slab);
    slab_own_granules(slab, to);
    from->granules -= size_class_granules(slab->size_class);
    to->granules += size_class_granules(slab->size_class);
    slab_bin_add(to, slab);
    MALLOW_ASSERT(slab_is_valid(to, slab));
}

void slab_repair(struct heap *heap, struct slab *slab) {
    uint32_t in_use = 0;
    MALLOW_ASSERT(heap_is_entered(heap));
    slab_own_granules(slab, heap); /* a transfer may have stopped halfway */
    heap->granules += size_class_granules(slab->size_class);
    for (uint32_t slot = 0; slot < slab->slots; slot++) {
        _Atomic uint8_t *state = &slab->state[slot];
        switch (atomic_load_explicit(state, memory_order_acquire)) {
        case SLOT_CACHED_FRESH:
            slot_state_set(state, SLOT_FRESH);
            break;
        case SLOT_CACHED:
        case SLOT_REMOTE:
            slot_state_set(state, SLOT_FREE);
            break;
        case SLOT_CHECKED:
        case SLOT_CLOSING:
        case SLOT_HELD:
        case SLOT_HELD_FRESH:
        case SLOT_SAMPLED:
        case SLOT_USED:
            in_use++;
            break;
        default:
            break;
        }
    }
    slab->in_use = in_use;
    slab->scan = 0;
    slab->listed = false;
    MALLOW_ASSERT(in_use <= slab->capacity);
    if (in_use < slab->capacity) slab_bin_add(heap, slab);
    MALLOW_ASSERT(slab_is_valid(heap, slab));
    if (in_use == 0 && slab_may_retire()) slab_retire(heap, slab, false);
}
