#include "check/seal.h"

#include <errno.h>
#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/hard_seal.h"
#include "check/modes.h"
#include "check/record.h"
#include "check/seal_word.h"
#include "check/sized_free.h"
#include "heap/alloc.h"
#include "heap/fast.h"
#include "heap/heap_enter.h"
#include "heap/magazine.h"
#include "heap/slab.h"
#include "heap/slab_give.h"
#include "heap/slot_location.h"
#include "os/open_lock.h"
#include "pages/meta.h"
#include "report/report.h"

/* ---- reports ---- */

RARE static void seal_report_stray_write(const struct slot_ref *ref, const char *when) {
    const char *written = redzone_find_fill_damage(ref->start, ref->bytes, 0);
    report_error(&(struct error){.cause = "corrupted", .p = written, .detail = when});
}

RARE static void seal_report(const struct slot_ref *ref, const char *when) {
    uint8_t state = slot_state_get(ref->state);
    bool waits = state == SLOT_HELD;
    size_t usable = ref->bytes - ref->slab->tail;
    if (state == SLOT_FRESH || state == SLOT_CACHED_FRESH)
        return seal_report_stray_write(ref, when);
    report_error(&(struct error){
        .cause = waits ? "use after free" : "heap overflow",
        .p = waits ? ref->start : ref->start + usable,
        .block = &(struct block_info){.life = waits ? LIFE_FREED : LIFE_LIVE,
                                      .start = ref->start,
                                      .size = usable},
        .detail = when,
        .advice = waits ? ADVICE_GUARD : NULL,
    });
}

static NOINLINE RARE void seal_report_slot(char *slot, const char *when) {
    struct slot_ref ref;
    if (slot_ref_find(slot, &ref)) seal_report(&ref, when);
}

/* A block in a new slot is in use before it is sealed. If a signal handler jumps away in between,
 * its seal stays zero. */
static bool seal_is_missing(const struct slot_ref *ref) {
    return seal_load(ref->start + ref->bytes - ref->slab->tail) == 0;
}

/* Returns true if the slot's memory is as its state demands. A slot that was never handed out reads
 * as zero. */
static bool seal_is_as_left(const struct slot_ref *ref, uint8_t state) {
    const struct slab *slab = ref->slab;
    switch (state) {
    case SLOT_USED:
        return slab->tail == 0 || seal_is_whole(ref->start, ref->bytes - slab->tail) ||
               seal_is_missing(ref);
    case SLOT_HELD:
        return seal_is_closed(ref->start);
    case SLOT_FRESH:
    case SLOT_CACHED_FRESH:
        return slab->tail == 0 || hard_is_zero(ref->start, ref->bytes);
    default:
        return true;
    }
}

/* Compares twice, because another thread may be allocating or freeing the block. */
bool seal_is_damaged(const struct slot_ref *ref) {
    uint8_t state = atomic_load_explicit(ref->state, memory_order_acquire);
    if (ref->slab->size_class == CLASS_ZERO) return false;
    for (int i = 0; i < 2; i++)
        if (likely(seal_is_as_left(ref, state))) return false;
    return atomic_load_explicit(ref->state, memory_order_acquire) == state;
}

bool seal_verify(const struct slot_ref *ref, const char *when) {
    if (!seal_is_damaged(ref)) return false;
    seal_report(ref, when);
    return true;
}

/* ---- allocation ---- */

/* Returns the size of the slot for `size` bytes, at most SMALL_MAX. */
ALWAYS_INLINE size_t seal_slot_bytes(size_t size) {
    size_t step = (size_t)UNIT << ((size > 256) + (size > 512));
    return (size + step - 1) & ~(step - 1);
}

/* A block of no bytes lies in an inaccessible slot. */
static size_t seal_size_with_word(size_t size) {
    return size != 0 && size <= SMALL_MAX ? size + SEAL_TAIL : size;
}

static void *seal_alloc_request(const struct alloc_request *request) {
    struct alloc_request inner = *request;
    inner.size = seal_size_with_word(request->size);
    char *p = mode_below(&seal_mode)->alloc(&inner);
    struct slab *slab = slab_around(p);
    if (slab != NULL && slab->tail != 0) seal_put(p, slab->slot_size - slab->tail);
    return p;
}

/* Called in tail position, like mode_malloc, so that the return address is the program's. */
static NOINLINE void *seal_malloc_slow(size_t size) {
    return seal_alloc_request(&(struct alloc_request){.size = size, .align = 1, CALLED_HERE});
}

/* Takes a slot whose magazine malloc does not see, and seals it first, for threads that verify all
 * blocks. Returns NULL if there is none, or if the thread's magazines do not follow the mode yet.
 */
ALWAYS_INLINE void *seal_take(const struct magazine_entry *top, size_t bytes) {
    if (unlikely(top->slot != NULL)) return NULL;
    struct magazine *magazine = sentinel_magazine(top);
    char *slot = magazine->top->slot;
    if (unlikely(slot == NULL)) return NULL;
    seal_put(slot, bytes - SEAL_TAIL);
    signal_order();
    return fast_take(magazine);
}

static NOINLINE void *seal_malloc_medium(size_t size, const struct magazine_entry *sentinel) {
    void *p = NULL;
    if (size > SMALL_MAX)
        p = fast_take(sentinel_magazine(sentinel));
    else if (size != 0 && size <= SMALL_MAX - SEAL_TAIL)
        p = seal_take(fast_magazine_any(size + SEAL_TAIL)->top, seal_slot_bytes(size + SEAL_TAIL));
    return p != NULL ? p : seal_malloc_slow(size);
}

static void *seal_malloc(size_t size, const struct magazine_entry *sentinel) {
    if (unlikely(size - 1 >= TINY_MAX - SEAL_TAIL)) return seal_malloc_medium(size, sentinel);
    /* The classes of these sizes are the multiples of UNIT. */
    size_t bytes = round_up(size + SEAL_TAIL, UNIT);
    void *p = seal_take(self_heap->magazine[bytes / UNIT].top, bytes);
    return likely(p != NULL) ? p : seal_malloc_slow(size);
}

/* ---- the queue ---- */

/* Returns zeroed memory of the library, or NULL. */
RARE static void *seal_get_memory(size_t bytes) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return NULL;
    void *memory = meta_alloc(bytes);
    open_lock_drop(&global_lock, &hold);
    return memory == NULL ? NULL : memset(memory, 0, bytes);
}

/* Makes the queue if necessary. Returns false if there is no memory. The child of a fork in another
 * thread finds everything complete or not at all. */
static bool seal_make_queue(struct heap *heap, unsigned size_class) {
    if (heap->seal == NULL) heap->seal = seal_get_memory(sizeof *heap->seal);
    if (heap->seal == NULL) return false;
    struct seal_queue *queue = &heap->seal->queue[size_class];
    if (queue->entries != NULL) return true;
    size_t length = SEAL_SLOTS, bytes = size_class_bytes(size_class);
    while (length > 2 && length * bytes > SEAL_BYTES) length /= 2;
    queue->last = (uint32_t)length - 1;
    signal_order();
    queue->entries = seal_get_memory(length * sizeof *queue->entries);
    return queue->entries != NULL;
}

/* Puts a slot into its queue. Returns the slot that leaves instead; its `slot` is NULL if there is
 * none. */
ALWAYS_INLINE struct magazine_entry seal_exchange(struct seal_queue *queue,
                                                  struct magazine_entry entry) {
    struct magazine_entry *place = &queue->entries[queue->next & queue->last];
    queue->next++;
    signal_order(); /* a signal handler that frees uses another place */
    struct magazine_entry oldest = *place;
    /* If a signal handler jumps away, the place is empty or holds an entry, but never the slot of
     * one entry and the state of another. */
    place->slot = NULL;
    signal_order();
    place->state = entry.state;
    signal_order();
    place->slot = entry.slot;
    return oldest;
}

/* True if slots leave the queue for a magazine. While another mode looks at each call, magazines
 * hold nothing. */
ALWAYS_INLINE bool seal_is_alone(void) { return likely(settings.modes == MODE_SEAL); }

/* False if another heap took the slot's slab over while the slot waited: the heap had no thread. */
ALWAYS_INLINE bool seal_owns(const struct heap *heap, const void *slot) {
    return racy_load(struct heap *, &slab_of(granule_of(slot))->owner) == heap;
}

/* Makes a slot that has waited available. */
static NOINLINE void seal_let_go_slowly(struct magazine_entry entry, enum family family) {
    if (unlikely(!seal_is_closed(entry.slot)))
        seal_report_slot(entry.slot, "found when it was about to be reused");
    slot_state_set(entry.state, SLOT_USED);
    mode_below(&seal_mode)->free_request(entry.slot, &(struct free_request){.family = family});
}

static bool seal_empty_queue(struct heap *heap, struct seal_queue *queue) {
    bool some = false;
    for (uint32_t i = 0; queue->entries != NULL && i <= queue->last; i++) {
        struct magazine_entry entry = queue->entries[i];
        if (entry.slot == NULL) continue;
        queue->entries[i] = (struct magazine_entry){NULL, NULL};
        signal_order();
        if (!seal_is_closed(entry.slot))
            seal_report_slot(entry.slot, "found when it was about to be reused");
        slab_give(heap, &entry, 1);
        some = true;
    }
    return some;
}

RARE static bool seal_relieve(struct heap *heap) {
    bool some = false;
    for (unsigned size_class = 0; heap->seal != NULL && size_class < CLASSES; size_class++)
        some |= seal_empty_queue(heap, &heap->seal->queue[size_class]);
    return some;
}

/* ---- freeing ---- */

/* Fills of freed memory (zero_on_free) must not wait. */
static bool seal_delays(void) { return (settings.modes & (MODE_ZERO | MODE_FILL)) == 0; }

static bool seal_free_in_queue(struct slab *slab, struct magazine_entry entry, enum family family) {
    struct heap *heap = self_heap;
    if (racy_load(struct heap *, &slab->owner) != heap || !seal_delays() ||
        slab->size_class == CLASS_ZERO)
        return false;
    if (!seal_make_queue(heap, slab->size_class)) return false;
    seal_close(entry.slot);
    atomic_store_explicit(entry.state, SLOT_HELD, memory_order_release);
    struct magazine_entry oldest = seal_exchange(&heap->seal->queue[slab->size_class], entry);
    sanitizer_release(heap);
    if (oldest.slot != NULL) seal_let_go_slowly(oldest, family);
    return true;
}

/* Looks at the seal of a live block that begins at p, and frees it if it belongs to this thread.
 * Returns false, after it has looked, if the mode below is to free it. */
static bool seal_free_checked(void *p, enum family family) {
    struct slab *slab = slab_around(p);
    if (slab == NULL) return false;
    struct slot_location slot = slot_locate(slab, p);
    if (!slot.is_start || slot_state_get(slot.state) != SLOT_USED) return false;
    if (slab->tail != 0 && unlikely(!seal_is_whole(p, slab->slot_size - slab->tail)))
        seal_report_slot(p, "found by free");
    return seal_free_in_queue(slab, (struct magazine_entry){p, slot.state}, family);
}

static NOINLINE void seal_free_slowly(void *p, enum family family) {
    if (p != NULL && !seal_free_checked(p, family))
        mode_below(&seal_mode)
            ->free_request(p, &(struct free_request){.family = family, CALLED_HERE});
}

/* Each unusual case takes the slow path, which asks the same questions again. */
static void seal_free(void *p, enum family family) {
    size_t granule = granule_of(p);
    struct heap *heap = self_heap;
    if (unlikely(granule >= racy_load(size_t, &space.granules))) return seal_free_slowly(p, family);
    struct slab *slab = slab_of(granule);
    if (unlikely(racy_load(struct heap *, &slab->owner) != heap) || !seal_is_alone() ||
        unlikely(slab->tail == 0) || unlikely(heap->seal == NULL))
        return seal_free_slowly(p, family);
    struct slot_location slot = slot_locate(slab, p);
    if (unlikely(!slot.is_start) || unlikely(slot_state_get(slot.state) != SLOT_USED) ||
        unlikely(!seal_is_whole(p, slab->slot_size - SEAL_TAIL)))
        return seal_free_slowly(p, family);
    struct seal_queue *queue = &heap->seal->queue[slab->size_class];
    if (unlikely(queue->entries == NULL)) return seal_free_slowly(p, family);
    seal_close(p);
    atomic_store_explicit(slot.state, SLOT_HELD, memory_order_release);
    struct magazine_entry oldest = seal_exchange(queue, (struct magazine_entry){p, slot.state});
    sanitizer_release(heap);
    if (unlikely(oldest.slot == NULL)) return;
    struct magazine *magazine = slab->magazine;
    struct magazine_entry *next = magazine->top + 1;
    if (unlikely(!seal_is_closed(oldest.slot)) || unlikely(next == magazine->limit) ||
        unlikely(!seal_owns(heap, oldest.slot)))
        return seal_let_go_slowly(oldest, family);
    slot_state_set(oldest.state, SLOT_CACHED);
    *next = oldest;
    signal_order();
    magazine->top = next;
    sanitizer_release(heap);
}

static void seal_free_request(void *p, const struct free_request *request) {
    if (request->has_size) sized_free_check_plain(p, request);
    if (!seal_free_checked(p, request->family)) mode_below(&seal_mode)->free_request(p, request);
}

static void *seal_resize_in_place(void *p, size_t before, size_t size, bool may_move) {
    return mode_below(&seal_mode)->resize_in_place(p, before, size, may_move);
}

struct mode seal_mode = {
    .malloc = seal_malloc,
    .free = seal_free,
    .alloc = seal_alloc_request,
    .free_request = seal_free_request,
    .resize = realloc_plain,
    .resize_in_place = seal_resize_in_place,
    .relieve = seal_relieve,
};
