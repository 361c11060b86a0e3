#include "check/hard.h"

#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/redzone.h"
#include "check/sized_free.h"
#include "heap/alloc.h"
#include "heap/decay.h"
#include "heap/find.h"
#include "heap/mode.h"
#include "heap/slab.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/meta.h"
#include "report/fault.h"
#include "report/report.h"

#define RING 512u      /* entries; freed ones go back to their slabs down to RING_KEPT */
#define RING_KEPT 256u /* of larger slots, whose bytes count: from RING_LARGE down to the delay */
#define RING_LARGE 216u
#define LARGE_SLOT ((size_t)1 * KIB)
#define REFILL_BYTES (16 * KIB) /* of slots that come from slabs at once */
#define REFILL_MAX 64u

_Static_assert(RING_KEPT > HARD_DELAY && RING_LARGE > HARD_DELAY, "enough for the delay");

struct hard_ring {
    struct entry *entries; /* NULL: not used yet */
    uint32_t head, tail;   /* both only grow, but for slots from slabs, which are put before head */
    uint32_t slot_bytes;
    uint32_t most;  /* freed ones go back to slabs when more would be there; 0 without entries */
    uint32_t least; /* the fast path takes when more are there: HARD_DELAY, or ALL_KEPT */
};

#define ALL_KEPT UINT32_MAX /* the next one was never handed out */

struct hard {
    struct hard_ring rings[CLASSES];
};

static uint32_t in_ring(const struct hard_ring *ring) { return ring->tail - ring->head; }
static struct entry *at(const struct hard_ring *ring, uint32_t i) {
    return &ring->entries[i % RING];
}

/* A signal handler that frees meanwhile loses its slot, and brings no old entry back. */
ALWAYS_INLINE void append(struct hard_ring *ring, struct entry entry) {
    uint32_t tail = ring->tail;
    *at(ring, tail) = entry;
    signal_order();
    racy_store(&ring->tail, tail + 1);
    sanitizer_release(self_heap);
}

/* ---- words ---- */

ALWAYS_INLINE char *word_of(char *slot, size_t bytes) { return slot + bytes - HARD_WORD; }

ALWAYS_INLINE uint64_t load_word(const char *from) {
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

ALWAYS_INLINE void store_word(char *to, uint64_t word) { memcpy(to, &word, sizeof word); }

/* Between block and word, so that a null byte too many is seen too. */
#define GAP 0xb7u
#define GAP_WORD (GAP * 0x0101010101010101ull)

/* The last `bytes` of a word of the gap, 1 to 7, behind zeros. */
ALWAYS_INLINE uint64_t gap_end(size_t bytes) { return GAP_WORD << (64 - 8 * bytes); }

/* What the slot leaves unused, and 48 bits keyed with that and the address, which has as many. */
ALWAYS_INLINE uint64_t hard_word(const char *slot, uint64_t unused) {
    uint64_t key = redzone_key((const void *)((uintptr_t)slot ^ unused << 48));
    return (key & ~(uint64_t)UINT16_MAX) | unused;
}
_Static_assert(SLOT_MAX <= UINT16_MAX, "16 bits hold what a slot leaves unused");

/* In a slot that is zero. The gap has one whole word at least. */
ALWAYS_INLINE void seal(char *slot, size_t bytes, size_t size) {
    char *at = word_of(slot, bytes);
    size_t unused = bytes - HARD_WORD - size;
    store_word(at, hard_word(slot, unused));
    store_word(at -= sizeof(uint64_t), GAP_WORD);
    for (unused -= sizeof(uint64_t); unlikely(unused >= sizeof(uint64_t));
         unused -= sizeof(uint64_t))
        store_word(at -= sizeof(uint64_t), GAP_WORD);
    if (unused != 0) store_word(at - sizeof(uint64_t), gap_end(unused));
}

/* Bytes between the block and the word; SIZE_MAX when the word is not ours. */
ALWAYS_INLINE uint64_t unused_in(const char *slot, size_t bytes) {
    uint64_t word = load_word(slot + bytes - HARD_WORD), unused = word & UINT16_MAX;
    return likely(word == hard_word(slot, unused)) ? unused : UINT64_MAX;
}

/* Whether a slot can leave so many bytes unused. */
ALWAYS_INLINE bool is_possible(uint64_t unused, size_t bytes) {
    return unused - (HARD_TAIL - HARD_WORD) <= bytes - HARD_TAIL;
}

/* Whether what is behind the block is as it was left. */
ALWAYS_INLINE bool is_whole(const char *slot, size_t bytes) {
    uint64_t unused = unused_in(slot, bytes);
    const char *at = slot + bytes - HARD_TAIL;
    if (unlikely(!is_possible(unused, bytes))) return false;
    uint64_t other = load_word(at) ^ GAP_WORD;
    for (unused -= sizeof(uint64_t); unlikely(unused >= sizeof(uint64_t));
         unused -= sizeof(uint64_t))
        other |= load_word(at -= sizeof(uint64_t)) ^ GAP_WORD;
    if (unused != 0) other |= (load_word(at - sizeof(uint64_t)) ^ GAP_WORD) >> (64 - 8 * unused);
    return other == 0;
}

/* ---- zero ---- */

/* Slots that were never handed out are compared as a whole below this size. */
#define COMPARED_FRESH (4 * KIB)

typedef uint64_t hard_lane __attribute__((vector_size(16), may_alias));

/* bytes: a multiple of 16, as slots are aligned. */
ALWAYS_INLINE bool is_zero(const char *slot, size_t bytes) {
    const hard_lane *at = (const hard_lane *)slot, *end = (const hard_lane *)(slot + bytes);
    hard_lane all = {0, 0};
    for (; end - at >= 4; at += 4) all |= (at[0] | at[1]) | (at[2] | at[3]);
    for (; at < end; at++) all |= *at;
    return (all[0] | all[1]) == 0;
}

/* The compiler must not see what the loop does: it would take "rep stos", which costs more than all
 * the rest here. */
ALWAYS_INLINE void make_zero(char *slot, size_t bytes) {
    hard_lane *at = (hard_lane *)slot, *end = (hard_lane *)(slot + bytes), zero = {0, 0};
    for (; end - at >= 4; at += 4) {
        at[0] = at[1] = at[2] = at[3] = zero;
        __asm__("" : "+r"(at));
    }
    for (; at < end; at++) {
        *at = zero;
        __asm__("" : "+r"(at));
    }
}

/* ---- what is known, and what is said of it ---- */

/* A block whose word was overwritten counts as one that fills its slot. */
static size_t size_of_block(char *slot, size_t bytes) {
    uint64_t unused = unused_in(slot, bytes);
    return is_possible(unused, bytes) ? bytes - HARD_WORD - unused : bytes - HARD_TAIL;
}

bool hard_is_known(const struct place *place) {
    uint8_t state = atomic_load_explicit(place->state, memory_order_acquire);
    return settings.check == CHECK_HARD &&
           (state == SLOT_CHECKED || state == SLOT_HELD || state == SLOT_CLOSING);
}

void hard_info(const struct place *place, struct block_info *info) {
    bool live = state_get(place->state) == SLOT_CHECKED;
    *info = (struct block_info){
        .life = live ? LIFE_LIVE : LIFE_FREED,
        .start = place->start,
        .size = live ? size_of_block(place->start, place->bytes) : place->bytes - HARD_TAIL,
        .exact = live,
    };
}

/* The first byte behind the block that is not as it was left; NULL when all are. */
static RARE const char *find_overflow(char *slot, size_t bytes) {
    uint64_t unused = unused_in(slot, bytes);
    char *word = word_of(slot, bytes);
    if (!is_possible(unused, bytes)) return word;
    return fill_find_damage(word - unused, unused, GAP);
}

/* Of a live block, also while it is being freed. */
RARE static void report_overflow(const struct place *place, const char *when) {
    struct block_info info;
    hard_info(place, &info);
    info.life = LIFE_LIVE;
    info.exact = true;
    info.size = size_of_block(place->start, place->bytes);
    report_error(&(struct error){
        .cause = "heap overflow",
        .p = find_overflow(place->start, place->bytes),
        .block = &info,
        .detail = when,
    });
}

RARE static void report_late_write(const struct place *place, const char *when) {
    struct block_info info;
    hard_info(place, &info);
    report_error(&(struct error){.cause = "use after free",
                                 .p = fill_find_damage(place->start, place->bytes, 0),
                                 .block = &info,
                                 .detail = when,
                                 .advice = ADVICE_GUARD});
}

/* The slot is not in use and reads as zero. In the slab a large one that was never used is left
 * alone: most of its pages were never touched. */
static bool is_zeroed(const struct place *place, uint8_t state) {
    return state == SLOT_HELD || state == SLOT_HELD_FRESH ||
           (state == SLOT_FRESH && place->bytes < COMPARED_FRESH) ||
           (state == SLOT_FREE && place->slab->wiped);
}

/* What others do at the same time is no damage: it is looked at twice. */
bool hard_is_damaged(const struct place *place) {
    uint8_t state = atomic_load_explicit(place->state, memory_order_acquire);
    bool live = state == SLOT_CHECKED, whole = true;
    if (place->slab->class == CLASS_ZERO || (!live && !is_zeroed(place, state))) return false;
    for (int i = 0; i < 2; i++) {
        whole = live ? is_whole(place->start, place->bytes) : is_zero(place->start, place->bytes);
        if (likely(whole)) return false;
    }
    return atomic_load_explicit(place->state, memory_order_acquire) == state;
}

RARE static void report_stray_write(const struct place *place, const char *when) {
    const char *written = fill_find_damage(place->start, place->bytes, 0);
    report_error(&(struct error){.cause = "corrupted", .p = written, .detail = when});
}

bool hard_verify(const struct place *place, const char *when) {
    if (!hard_is_damaged(place)) return false;
    switch (state_get(place->state)) {
    case SLOT_CHECKED:
        report_overflow(place, when);
        break;
    case SLOT_HELD_FRESH:
    case SLOT_FRESH:
        report_stray_write(place, when);
        break;
    default:
        report_late_write(place, when);
    }
    return true;
}

/* ---- before the first slot ---- */

/* What lies there belongs to no slot, and would take a write before the first block in silence. */
#define LEAD CACHE_LINE

/* NULL: the slab begins with its first slot. */
static char *lead_of(struct slab *slab) {
    char *first = slab_slot_zero(slab) + (size_t)(slab->slots - slab->capacity) * slab->slot_size;
    bool room = first - granule_start(slab_granule(slab)) >= (ptrdiff_t)LEAD;
    return room && slab->class != CLASS_ZERO ? first - LEAD : NULL;
}

static bool is_lead_clear(struct slab *slab) {
    const char *lead = lead_of(slab);
    return lead == NULL || !slab->wiped || is_zero(lead, LEAD);
}

/* It is clear afterwards. */
RARE static void report_lead(struct slab *slab, const char *when) {
    struct place first;
    struct block_info info;
    char *lead = lead_of(slab);
    const char *written = fill_find_damage(lead, LEAD, 0);
    bool known = place_of(lead + LEAD, &first) && hard_is_known(&first);
    if (known) hard_info(&first, &info);
    report_error(&(struct error){.cause = known ? "heap underflow" : "corrupted",
                                 .p = written,
                                 .block = known ? &info : NULL,
                                 .detail = when});
    memset(lead, 0, LEAD);
}

size_t hard_verify_lead(struct slab *slab, const char *when) {
    if (is_lead_clear(slab)) return 0;
    report_lead(slab, when);
    return 1;
}

/* ---- slots from and to slabs ---- */

void hard_wipe(struct slab *slab) {
    char *zero = slab_slot_zero(slab), *lead = lead_of(slab);
    if (lead != NULL) memset(lead, 0, LEAD);
    for (uint32_t slot = 0; slot < slab->slots; slot++)
        if (state_get(&slab->state[slot]) == SLOT_FREE)
            memset(zero + (size_t)slot * slab->slot_size, 0, slab->slot_size);
    slab->wiped = true;
}

static struct hard_ring *ring_of(struct heap *heap, unsigned class) {
    struct lock_hold hold;
    if (heap->hard == NULL) {
        if (!open_lock_take(&global_lock, &hold)) return NULL;
        struct hard *rings = meta_alloc(sizeof *rings);
        if (rings != NULL) memset(rings, 0, sizeof *rings);
        signal_order(); /* a fork in another thread finds it whole or not at all */
        heap->hard = rings;
        open_lock_drop(&global_lock, &hold);
        if (rings == NULL) return NULL;
    }
    struct hard_ring *ring = &heap->hard->rings[class];
    if (ring->entries == NULL) {
        if (!open_lock_take(&global_lock, &hold)) return NULL;
        ring->slot_bytes = (uint32_t)class_size(class);
        ring->least = HARD_DELAY;
        ring->entries = meta_alloc(RING * sizeof *ring->entries);
        signal_order(); /* the fast path looks at `most` alone */
        if (ring->entries != NULL) ring->most = ring->slot_bytes < LARGE_SLOT ? RING : RING_LARGE;
        open_lock_drop(&global_lock, &hold);
    }
    return ring->entries == NULL ? NULL : ring;
}

/* Fresh slots come before the oldest. */
static void refill_ring(struct heap *heap, struct hard_ring *ring, unsigned class) {
    struct entry fresh[REFILL_MAX];
    size_t want = min_size(REFILL_MAX, max_size(REFILL_BYTES / ring->slot_bytes, 1));
    struct slab *slab = alloc_find_slab(heap, class);
    if (slab == NULL) return;
    if (class != CLASS_ZERO && !slab->wiped) {
        hard_wipe(slab);
        fault_watch(); /* the slab may end with an inaccessible page */
    }
    hard_verify_lead(slab, "found when the slab was used again");
    unsigned count = slab_take_shuffled(heap, slab, fresh, (unsigned)want);
    for (unsigned i = 0; i < count; i++) *at(ring, ring->head - 1 - i) = fresh[i];
    signal_order();
    ring->head -= count;
}

/* The oldest go back, in the order in which they were freed. */
static void evict(struct heap *heap, struct hard_ring *ring, uint32_t down_to) {
    struct entry leaving[REFILL_MAX];
    while (in_ring(ring) > down_to) {
        unsigned count = 0;
        for (; count < REFILL_MAX && in_ring(ring) > down_to; count++) {
            leaving[count] = *at(ring, ring->head);
            signal_order();
            ring->head++;
        }
        slab_give(heap, leaving, count);
    }
}

bool hard_relieve(struct heap *heap) {
    bool some = false;
    for (unsigned class = 0; heap->hard != NULL && class < CLASSES; class ++) {
        struct hard_ring *ring = &heap->hard->rings[class];
        some |= in_ring(ring) != 0;
        evict(heap, ring, 0);
    }
    return some;
}

/* ---- allocation ---- */

/* False when this needs heap_enter. */
ALWAYS_INLINE bool begin_fast(struct heap *heap, struct frame_mark *mark) {
    if (unlikely(!heap_is_idle(heap)) || unlikely(heap->hard == NULL)) return false;
    heap_begin_short(heap, mark);
    return true;
}

/* One that was never used has no room. */
ALWAYS_INLINE struct hard_ring *fast_ring(struct heap *heap, unsigned class) {
    return &heap->hard->rings[class];
}

/* The slot at the head, which is zero. */
ALWAYS_INLINE void *hand_out(struct hard_ring *ring, struct entry entry, size_t size) {
    ring->head++;
    /* From here on nobody who verifies may take it for one that waits. */
    state_set(entry.state, SLOT_CLOSING);
    signal_order();
#if !defined(__x86_64__) && !defined(THREAD_SANITIZER)
    atomic_thread_fence(memory_order_release);
#endif
    seal(entry.slot, ring->slot_bytes, size);
    atomic_store_explicit(entry.state, SLOT_CHECKED, memory_order_release);
    sanitizer_release(self_heap);
    return entry.slot;
}

static NOINLINE RARE void clear_written(char *slot, size_t bytes) {
    struct place place;
    if (place_of(slot, &place))
        (state_get(place.state) == SLOT_HELD_FRESH ? report_stray_write : report_late_write)(
            &place, "found when it was to be used again");
    memset(slot, 0, bytes);
}

/*
 * A slot that was never handed out. Of a page or more only the end is compared: the rest the
 * program may never touch. The last word is exchanged, not read first: a page that is read first
 * faults twice.
 */
static bool is_good(struct entry entry, size_t bytes) {
    if (state_get(entry.state) != SLOT_HELD_FRESH) return is_zero(entry.slot, bytes);
    char *last = word_of(entry.slot, bytes);
    uint64_t was = __atomic_exchange_n((uint64_t *)(void *)last, 0, __ATOMIC_RELAXED);
    if (was != 0) store_word(last, was);
    if (bytes >= COMPARED_FRESH) return (was | load_word(last - sizeof was)) == 0;
    return was == 0 && is_zero(entry.slot, bytes);
}

static void *take_slowly(struct hard_ring *ring, size_t size) {
    struct entry entry = *at(ring, ring->head);
    if (!is_good(entry, ring->slot_bytes)) clear_written(entry.slot, ring->slot_bytes);
    void *p = hand_out(ring, entry, size);
    bool fresh = in_ring(ring) != 0 && state_get(at(ring, ring->head)->state) == SLOT_HELD_FRESH;
    ring->least = fresh ? ALL_KEPT : HARD_DELAY;
    return p;
}

static void *alloc_from_ring(unsigned class, size_t size) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return NULL;
    void *p = NULL;
    struct hard_ring *ring = ring_of(heap, class);
    if (ring != NULL && in_ring(ring) <= HARD_DELAY) refill_ring(heap, ring, class);
    /* Fewer than the delay keeps only when nothing was to be had: sooner than failing. */
    if (ring != NULL && in_ring(ring) > 0) p = take_slowly(ring, size);
    decay_turn(heap);
    heap_leave(heap);
    return p;
}

static unsigned class_for(size_t size, size_t align) {
    unsigned class = class_of(size + HARD_TAIL);
    while (class < CLASSES && align > UNIT && (class_size(class) & (align - 1)) != 0) class ++;
    return class;
}

ALWAYS_INLINE void *take_from(struct hard_ring *ring, size_t size) {
    if (unlikely(in_ring(ring) <= ring->least)) return NULL;
    struct entry entry = *at(ring, ring->head);
    if (unlikely(!is_zero(entry.slot, ring->slot_bytes))) return NULL;
    return hand_out(ring, entry, size);
}

/* From a ring that has enough; NULL: this needs a look. */
ALWAYS_INLINE void *take_fast(unsigned class, size_t size) {
    struct frame_mark mark;
    struct heap *heap = self_heap;
    if (unlikely(!begin_fast(heap, &mark))) return NULL;
    void *p = take_from(fast_ring(heap, class), size);
    heap_end_short(heap, &mark);
    return p;
}

/* A block of no bytes lies in an inaccessible slot, which has no word. Its state is USED, so that
 * hard_free does not take it for one that has. */
static NOINLINE void *alloc_empty(void) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return NULL;
    void *p = NULL;
    struct hard_ring *ring = ring_of(heap, CLASS_ZERO);
    if (ring != NULL && in_ring(ring) <= HARD_DELAY) refill_ring(heap, ring, CLASS_ZERO);
    if (ring != NULL && in_ring(ring) > 0) {
        struct entry entry = *at(ring, ring->head++);
        state_set(entry.state, SLOT_USED);
        p = entry.slot;
    }
    heap_leave(heap);
    return p;
}

void *hard_alloc(size_t size, size_t align) {
    if (unlikely(size - 1 >= SLOT_MAX - HARD_TAIL))
        return size == 0 && align <= UNIT ? alloc_empty() : NULL;
    if (align > RUN_PAGE) return NULL;
    unsigned class = class_for(size, align);
    if (class == CLASSES) return NULL;
    void *p = take_fast(class, size);
    return likely(p != NULL) ? p : alloc_from_ring(class, size);
}

void *hard_malloc(size_t size) {
    void *p = likely(size <= SMALL_MAX) ? take_fast(class_of(size + HARD_TAIL), size) : NULL;
    return likely(p != NULL) ? p : hard_malloc_slow(size);
}

/* No size but 0 has slots of one unit: their ring stays empty, so that take_fast finds nothing. */
_Static_assert(HARD_TAIL == UNIT, "a block of one byte needs two units");

/* ---- freeing ---- */

static NOINLINE void keep_slowly(unsigned class, struct entry entry) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return; /* no memory: the slot stays held for ever */
    struct hard_ring *ring = ring_of(heap, class);
    if (ring == NULL) {
        slab_give(heap, &entry, 1);
    } else {
        if (in_ring(ring) >= ring->most)
            evict(heap, ring, ring->most == RING ? RING_KEPT : HARD_DELAY);
        append(ring, entry);
    }
    decay_turn(heap);
    heap_leave(heap);
}

ALWAYS_INLINE void keep_in_ring(unsigned class, struct entry entry) {
    bool room = false;
    struct frame_mark mark;
    struct heap *heap = self_heap;
    if (likely(begin_fast(heap, &mark))) {
        struct hard_ring *ring = fast_ring(heap, class);
        room = in_ring(ring) < ring->most;
        if (likely(room)) append(ring, entry);
        heap_end_short(heap, &mark);
    }
    if (unlikely(!room)) keep_slowly(class, entry);
}

/* The slot of a live block, which is now the caller's; false: there is none. */
ALWAYS_INLINE bool close_live(void *p, struct slab **slab, struct entry *entry) {
    size_t granule = granule_of(p);
    if (unlikely(granule >= racy_load(size_t, &space.granules))) return false;
    *slab = slab_of(granule);
    if (unlikely((*slab)->kind != GRANULE_SLAB)) return false;
    uint64_t product =
        reciprocal_product((uint32_t)(uintptr_t)p - (*slab)->start, (*slab)->reciprocal);
    if (unlikely(!reciprocal_is_start(product, (*slab)->reciprocal))) return false;
    *entry = (struct entry){p, (*slab)->state + reciprocal_slot(product)};
    uint8_t live = SLOT_CHECKED;
    /* Of several that free it at once one gets it. */
    return likely(atomic_compare_exchange_strong_explicit(
        entry->state, &live, SLOT_CLOSING, memory_order_acq_rel, memory_order_relaxed));
}

static NOINLINE RARE void tell_overflow(void *p) {
    struct place place;
    if (place_of(p, &place)) report_overflow(&place, "found by free");
}

/* A block of no bytes. */
static NOINLINE bool free_empty(void *p) {
    struct place place;
    uint8_t live = SLOT_USED;
    if (!place_of(p, &place) || place.start != p || place.slab->class != CLASS_ZERO ||
        !atomic_compare_exchange_strong_explicit(place.state, &live, SLOT_HELD,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return false;
    keep_slowly(CLASS_ZERO, (struct entry){p, place.state});
    return true;
}

/* Beyond so many bytes libc's function is faster. */
#define ZEROED_HERE 512u

ALWAYS_INLINE bool free_slot_of(void *p) {
    struct slab *slab;
    struct entry entry;
    if (unlikely(!close_live(p, &slab, &entry))) return free_empty(p);
    size_t bytes = slab->slot_size;
    if (unlikely(!is_whole(p, bytes))) tell_overflow(p);
    if (likely(bytes <= ZEROED_HERE))
        make_zero(p, bytes);
    else
        memset(p, 0, bytes);
    atomic_store_explicit(entry.state, SLOT_HELD, memory_order_release);
    keep_in_ring(slab->class, entry);
    return true;
}

bool hard_free(void *p) { return free_slot_of(p); }

void hard_free_any(void *p, enum family family) {
    if (unlikely(!free_slot_of(p))) mode_free(p, family);
}

bool hard_free_checked(void *p, const struct free_request *how) {
    struct place place;
    struct block_info info;
    if ((how->has_size || how->has_align) && place_of(p, &place) && place.start == p &&
        state_get(place.state) == SLOT_CHECKED && is_whole(place.start, place.bytes)) {
        hard_info(&place, &info);
        sized_free_check(&info, how);
    }
    return hard_free(p);
}

bool hard_find(void *p, struct place *place) {
    return place_of(p, place) && place->start == p && state_get(place->state) == SLOT_CHECKED;
}

size_t hard_size(const struct place *place) { return size_of_block(place->start, place->bytes); }

bool hard_resize(const struct place *place, size_t size) {
    size_t bytes = place->bytes, before = size_of_block(place->start, bytes);
    if (size > bytes - HARD_TAIL || class_of(size + HARD_TAIL) != place->slab->class) return false;
    if (!is_whole(place->start, bytes)) report_overflow(place, "found by realloc");
    /* Nobody may verify it meanwhile. */
    atomic_store_explicit(place->state, SLOT_CLOSING, memory_order_release);
    size_t kept = min_size(before, size), last = min_size(kept, sizeof(uint64_t));
    char end[sizeof(uint64_t)], *at = place->start + kept - last;
    memset(place->start + kept, 0, bytes - kept);
    /* Of a slot that is zero, the seal takes whole words. */
    memcpy(end, at, last);
    seal(place->start, bytes, size);
    memcpy(at, end, last);
    atomic_store_explicit(place->state, SLOT_CHECKED, memory_order_release);
    return true;
}
