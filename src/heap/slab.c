#include "heap/slab.h"

#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/record.h"
#include "guard/guard.h"
#include "heap/cold.h"
#include "heap/remote.h"
#include "heap/size_class.h"
#include "heap/trim.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/meta.h"
#include "pages/pages.h"
#include "pages/purge.h"

/* ---- lists ---- */

static void bin_add(struct heap *heap, struct slab *slab) {
    struct bin *bin = &heap->bin[slab->class];
    slab->prev = NULL;
    slab->next = bin->partial;
    if (slab->next != NULL) slab->next->prev = slab;
    bin->partial = slab;
    slab->listed = true;
}

static void bin_remove(struct heap *heap, struct slab *slab) {
    if (slab->next != NULL) slab->next->prev = slab->prev;
    if (slab->prev != NULL)
        slab->prev->next = slab->next;
    else
        heap->bin[slab->class].partial = slab->next;
    slab->listed = false;
}

/* ---- making and retiring ---- */

/*
 * Slabs begin at multiples of 64 KiB, so equal slots of different slabs would compete for the
 * same cache sets. Each slab's first slot is therefore moved by a multiple of a cache line (and
 * of the class's alignment), within what the last slot leaves over anyway and, for small slots,
 * up to 1 KiB more.
 */
static size_t next_colour(unsigned class, size_t bytes) {
    static unsigned turn; /* under the global lock */
    size_t size = class_size(class), step = max_size(CACHE_LINE, class_alignment(class));
    size_t room = bytes % size;
    if (size <= KIB) room = max_size(room, KIB - CACHE_LINE);
    return turn++ * step % (room / step * step + step);
}

static void init_states(struct slab *slab, uint32_t phantoms, bool clean) {
    uint8_t *states = (uint8_t *)slab->state;
    memset(states, SLOT_NONE, phantoms);
    memset(states + phantoms, clean ? SLOT_FRESH : SLOT_FREE, slab->capacity);
    memset(states + slab->slots, SLOT_NONE, slab->state_bytes - slab->slots);
}

/* Describes the slab in each of its granules; the owner last, for that is what makes it valid. */
static void describe_granules(struct slab *slab, struct heap *heap, unsigned class,
                              uintptr_t slot_zero) {
    size_t size = class_size(class), granule = slab_granule(slab);
    for (unsigned i = class_granules(class); i-- > 0;) {
        struct slab *part = slab_part(slab, i);
        size_t before = ((uintptr_t)granule_start(granule + i) - slot_zero) / size;
        part->reciprocal = reciprocal_of(size);
        part->state = slab->state + before;
        part->magazine = &heap->freed[class];
        part->start = (uint32_t)(slot_zero + before * size);
        part->slot_size = (uint32_t)size;
        part->least = (uint32_t)size_least(size);
        part->least_more = (uint32_t)(size - size_least(size));
        part->kind = GRANULE_SLAB;
        part->class = (uint8_t) class;
        part->index = (uint8_t)i;
        atomic_store_explicit(&part->owner, heap, memory_order_release);
    }
}

/* In check=hard a slab ends with an inaccessible page, as long as the kernel has mappings to spare,
 * of which each takes two. */
#define GUARD_PAGE_MAX (16 * KIB)

static size_t end_guard(void) {
    static size_t left = SIZE_MAX; /* under the global lock */
    if (settings.check != CHECK_HARD || os_page_size() > GUARD_PAGE_MAX) return 0;
    if (left == SIZE_MAX) left = os_mapping_limit() / 8;
    if (left == 0) return 0;
    left--;
    return os_page_size();
}

/* The room before the first slot. In check=hard there is some, unless it would take the place of a
 * large slot: a write before the first block is found there (hard.c). */
static size_t choose_colour(unsigned class, size_t bytes) {
    size_t colour = next_colour(class, bytes), size = class_size(class);
    if (colour != 0 || settings.check != CHECK_HARD || class == CLASS_ZERO) return colour;
    size_t step = max_size(CACHE_LINE, class_alignment(class));
    return size <= KIB || bytes % size >= step ? step : 0;
}

static struct slab *create_locked(struct heap *heap, unsigned class) {
    unsigned granules = class_granules(class);
    size_t guard = class == CLASS_ZERO ? 0 : end_guard();
    size_t bytes = granules * GRANULE - guard, size = class_size(class);
    size_t colour = choose_colour(class, bytes);
    /* Slot 0 lies at or before the granule; those that stick out to the left are no slots. */
    uint32_t phantoms = (uint32_t)((colour + size - 1) / size);
    uint32_t capacity = (uint32_t)((bytes - colour) / size);
    /* One guard byte at least, for a pointer to the rest after the last slot; whole words. */
    uint32_t state_bytes = (uint32_t)round_up(phantoms + capacity + 1, CACHE_LINE);

    void *states = meta_alloc(state_bytes);
    if (states == NULL) return NULL;
    bool clean;
    uint32_t page = pages_alloc(granules * GRANULE_PAGES, GRANULE_PAGES, RUN_SLAB, &clean);
    if (page == 0) {
        meta_free(states, state_bytes);
        return NULL;
    }
    if (guard != 0) os_protect(page_start(page) + bytes, guard); /* or else it is merely unused */
    if (class == CLASS_ZERO && !os_protect(page_start(page), bytes)) {
        meta_free(states, state_bytes);
        pages_free(page, clean);
        return NULL;
    }
    struct slab *slab = slab_of(page / GRANULE_PAGES);
    slab->state = states;
    slab->state_bytes = state_bytes;
    slab->capacity = capacity;
    slab->slots = phantoms + capacity;
    slab->outside = 0;
    slab->age = 0;
    slab->scan = phantoms;
    slab->reach = 0;
    slab->window = 0;
    slab->records = NULL;
    slab->wiped = false;
    init_states(slab, phantoms, clean);
    describe_granules(slab, heap, class, (uintptr_t)page_start(page) + colour - phantoms * size);
    bin_add(heap, slab);
    return slab;
}

struct slab *slab_create(struct heap *heap, unsigned class) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return NULL;
    struct slab *slab = create_locked(heap, class);
    open_lock_drop(&global_lock, &hold);
    if (unlikely(settings.check == CHECK_HARD)) guard_watch();
    return slab;
}

static char *slab_end(struct slab *head) {
    return granule_start(slab_granule(head) + class_granules(head->class));
}

bool slab_is_end_guard(const void *p) {
    size_t granule = granule_of(p);
    if (settings.check != CHECK_HARD ||
        granule >= __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE))
        return false;
    struct slab *part = slab_of(granule);
    return part->kind == GRANULE_SLAB && part->class != CLASS_ZERO &&
           (size_t)(slab_end(slab_head(part)) - (const char *)p) <= os_page_size();
}

bool slab_open_end(const void *p) {
    size_t page = os_page_size();
    return os_commit((char *)((uintptr_t)p & ~(page - 1)), page);
}

/* `purged`: its pages are not resident, and read as zero. False, and the slab stays listed, when
 * the lock cannot be had. */
static bool slab_retire(struct heap *heap, struct slab *slab, bool purged) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    bin_remove(heap, slab);
    unsigned class = slab->class;
    unsigned granules = class_granules(class);
    for (unsigned i = 0; i < granules; i++) {
        struct slab *part = slab_part(slab, i);
        atomic_store_explicit(&part->owner, NULL, memory_order_relaxed);
        part->kind = GRANULE_RUNS;
    }
    uint32_t page = page_of(granule_start(slab_granule(slab)));
    /* An inaccessible run that cannot be opened again is lost, but only then. */
    bool usable = class != CLASS_ZERO || os_commit(page_start(page), granules * GRANULE);
    meta_free((void *)slab->state, slab->state_bytes);
    records_free(slab);
    if (usable) {
        pages_free(page, purged);
        purge_after_free();
    }
    open_lock_drop(&global_lock, &hold);
    return true;
}

/* ---- empty slabs ---- */

#define LARGEST_SLAB_PAGES (class_granules(CLASSES - 1) * GRANULE_PAGES)

/* In check=hard no memory of one class ever serves another. */
static bool may_retire(void) { return settings.check != CHECK_HARD; }

/* Where somebody set what may be kept, these are within the slack. A visitor may not retire a slab:
 * it then stays with its class alone. */
static void keep_empty(struct heap *heap, struct slab *slab) {
    if (!may_retire()) return;
    if (heap->empties < min_size(EMPTY_SLABS, purge_slack() / LARGEST_SLAB_PAGES))
        heap->empty[heap->empties++] = slab;
    else if (!heap_is_visited(heap))
        slab_retire(heap, slab, false);
}

static void use_empty(struct heap *heap, const struct slab *slab) {
    for (unsigned i = 0; i < heap->empties; i++)
        if (heap->empty[i] == slab) heap->empty[i] = heap->empty[--heap->empties];
}

bool slab_retire_empty(struct heap *heap) {
    if (heap->empties == 0) return false;
    if (slab_retire(heap, heap->empty[--heap->empties], false)) return true;
    heap->empties++;
    return false;
}

bool slab_retire_old(struct heap *heap, struct slab *slab) {
    if (slab->outside != 0 || !may_retire()) return false;
    char *start = granule_start(slab_granule(slab));
    size_t bytes = class_granules(slab->class) * GRANULE;
    bool purged = os_purge(start, bytes);
    if (purged) purge_count(bytes);
    use_empty(heap, slab);
    slab_retire(heap, slab, purged);
    return true;
}

/* ---- taking and giving slots ---- */

/* Top bit set in each byte of the word that is FRESH or FREE. */
static inline uint64_t available_bytes(uint64_t word) {
    /* Each masked byte is at most 0x7f, so adding 0x7f carries into the top bit unless it is 0,
     * and never into the next byte. */
    return ~((word & AVAILABLE_MASK) + AVAILABLE_MASK) & ~AVAILABLE_MASK;
}

/* FRESH to CACHED_FRESH and FREE to CACHED, eight states at once. */
static inline uint64_t cached_bytes(uint64_t available) {
    return 0x0303030303030303ull - (available >> 7 & 0x0101010101010101ull);
}

static inline void store_states(_Atomic uint8_t *states, uint32_t at, uint64_t word) {
    atomic_store_explicit((_Atomic uint64_t *)(void *)(states + at), word, memory_order_relaxed);
}

/* How many of so many slots are there; they count as taken. */
static unsigned begin_take(struct heap *heap, struct slab *slab, unsigned want) {
    uint32_t available = slab->capacity - slab->outside;
    unsigned take = want < available ? want : available;
    if (slab->outside == 0) use_empty(heap, slab);
    slab->age = 0;
    slab->outside += take; /* first: an interruption must not make the slab look emptier */
    signal_order();
    return take;
}

/* FRESH to CACHED_FRESH and FREE to CACHED. */
static inline void take_state(_Atomic uint8_t *state) {
    state_set(state, state_get(state) == SLOT_FRESH ? SLOT_CACHED_FRESH : SLOT_CACHED);
}

void slab_take(struct heap *heap, struct slab *slab, unsigned want) {
    struct magazine *magazine = &heap->magazine[slab->class];
    _Atomic uint8_t *states = slab->state;
    char *zero = slab_slot_zero(slab);
    size_t size = slab->slot_size;
    unsigned take = begin_take(heap, slab, want);

    struct entry *bottom = magazine->top;
    struct entry *next = bottom + take; /* filled downwards: the lowest slot ends up newest */
    uint32_t at = slab->scan & ~7u;
    for (;; at += 8) {
        uint64_t word = load_states(states, at);
        uint64_t found = available_bytes(word);
        if (found == ~AVAILABLE_MASK && next - bottom >= 8) {
            /* No other thread writes any of the eight: they are not in use. */
            store_states(states, at, cached_bytes(word));
            char *slot = zero + at * size;
            for (unsigned i = 0; i < 8; i++, slot += size)
                *next-- = (struct entry){slot, states + at + i};
        } else {
            for (; found != 0 && next > bottom; found &= found - 1) {
                uint32_t slot = at + (unsigned)__builtin_ctzl(found) / 8;
                take_state(&states[slot]);
                *next-- = (struct entry){zero + slot * size, states + slot};
            }
        }
        if (next == bottom) break;
    }
    slab->scan = at;
    if (at + 8 > slab->reach) slab->reach = at + 8;
    if (slab->outside == slab->capacity) bin_remove(heap, slab);
    signal_order();
    magazine->top = bottom + take;
}

/* The first word of states from `at` on, round the end, with an available slot. */
static uint32_t find_available(const struct slab *slab, uint32_t at) {
    uint32_t end = (uint32_t)round_up(slab->slots, 8);
    while (available_bytes(load_states(slab->state, at)) == 0) at = at + 8 < end ? at + 8 : 0;
    return at;
}

/* xorshift64: what the kernel gave to begin with is not seen in what comes out here. */
static uint64_t next_random(struct heap *heap) {
    uint64_t x = heap->random != 0 ? heap->random : os_random() | 1;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return heap->random = x;
}

/* Slots of a window are used before those of the next one, so that few blocks touch few pages. */
#define WINDOW 64u

/* A word of states with an available slot, at random: in the window of the slot that was taken
 * last, else anywhere in the slab. */
static uint32_t find_in_window(struct heap *heap, const struct slab *slab, uint64_t random) {
    uint32_t end = (uint32_t)round_up(slab->slots, 8), window = slab->window & ~(WINDOW - 1);
    uint32_t first = (uint32_t)random & (WINDOW - 8);
    for (uint32_t i = 0; i < WINDOW && slab->outside != 0; i += 8) {
        uint32_t at = window + ((first + i) & (WINDOW - 1));
        if (at < end && available_bytes(load_states(slab->state, at)) != 0) return at;
    }
    uint64_t again = next_random(heap) >> 32;
    return find_available(slab, (uint32_t)(again * slab->slots >> 32) & ~7u);
}

/* One of the bytes that are set, the first one from a place on, round the end. */
static unsigned choose_byte(uint64_t found, unsigned from) {
    uint64_t behind = found >> 8 * from << 8 * from;
    return (unsigned)__builtin_ctzl(behind != 0 ? behind : found) / 8;
}

struct entry slab_take_one(struct heap *heap, struct slab *slab) {
    uint64_t random = next_random(heap);
    uint32_t at = find_in_window(heap, slab, random >> 32);
    uint64_t found = available_bytes(load_states(slab->state, at));
    uint32_t slot = at + choose_byte(found, (unsigned)(random >> 61));
    if (slab->outside == 0) use_empty(heap, slab);
    slab->age = 0;
    slab->outside++;
    signal_order();
    state_set(&slab->state[slot], SLOT_CLOSING);
    slab->window = at;
    if (at + 8 > slab->reach) slab->reach = at + 8;
    if (slab->outside == slab->capacity) bin_remove(heap, slab);
    return (struct entry){slab_slot_zero(slab) + (size_t)slot * slab->slot_size,
                          &slab->state[slot]};
}

/* FRESH to HELD_FRESH and FREE to HELD, eight states at once. */
static inline uint64_t states_when_held(uint64_t available) {
    return 0x0101010101010101ull * SLOT_HELD_FRESH - (available >> 7 & 0x0101010101010101ull);
}
_Static_assert(SLOT_HELD == SLOT_HELD_FRESH - 1, "FREE's top bit makes the difference");

/* All available slots of a word are held from now on; how many. */
static unsigned take_word(struct slab *slab, uint32_t at, struct entry *entries) {
    uint64_t word = load_states(slab->state, at), found = available_bytes(word);
    uint64_t lanes = (found >> 7) * 0xff; /* all bits of the bytes that are available */
    char *zero = slab_slot_zero(slab);
    unsigned count = 0;
    for (; found != 0; found &= found - 1) {
        uint32_t slot = at + (unsigned)__builtin_ctzl(found) / 8;
        bool fresh = state_get(&slab->state[slot]) == SLOT_FRESH;
        if (lanes != UINT64_MAX) state_set(&slab->state[slot], fresh ? SLOT_HELD_FRESH : SLOT_HELD);
        entries[count++] =
            (struct entry){zero + (size_t)slot * slab->slot_size, &slab->state[slot]};
    }
    /* No other thread writes any of the eight when none is in use. */
    if (lanes == UINT64_MAX) store_states(slab->state, at, states_when_held(word));
    return count;
}

static void shuffle(struct heap *heap, struct entry *entries, unsigned count) {
    for (unsigned i = count; i > 1; i--) {
        unsigned other = (unsigned)((next_random(heap) >> 32) * i >> 32);
        struct entry moved = entries[i - 1];
        entries[i - 1] = entries[other];
        entries[other] = moved;
    }
}

unsigned slab_take_shuffled(struct heap *heap, struct slab *slab, struct entry *entries,
                            unsigned want) {
    uint32_t end = (uint32_t)round_up(slab->slots, 8);
    uint32_t from = (uint32_t)((next_random(heap) >> 32) * slab->slots >> 32) & ~7u;
    if (slab->outside == 0) use_empty(heap, slab);
    slab->age = 0;
    slab->reach = end;
    unsigned count = 0;
    uint32_t at = from;
    do {
        slab->outside += 8; /* first: an interruption must not make the slab look emptier */
        signal_order();
        unsigned taken = take_word(slab, at, entries + count);
        slab->outside -= 8 - taken;
        count += taken;
        at = at + 8 < end ? at + 8 : 0;
    } while (at != from && (count == 0 || count + 8 <= want));
    if (slab->outside == slab->capacity) bin_remove(heap, slab);
    shuffle(heap, entries, count);
    return count;
}

/* Fills `count` entries with slots from that one on, round the end; as many are available. */
static void take_round_from(struct slab *slab, uint32_t from, struct entry *entries,
                            unsigned count) {
    uint32_t end = (uint32_t)round_up(slab->slots, 8), at = from & ~7u;
    uint64_t wanted = ~(uint64_t)0 << from % 8 * 8;
    char *zero = slab_slot_zero(slab);
    for (unsigned i = 0; i < count; wanted = ~(uint64_t)0) {
        uint64_t found = available_bytes(load_states(slab->state, at)) & wanted;
        for (; found != 0 && i < count; found &= found - 1, i++) {
            uint32_t slot = at + (unsigned)__builtin_ctzl(found) / 8;
            take_state(&slab->state[slot]);
            entries[i] = (struct entry){zero + (size_t)slot * slab->slot_size, &slab->state[slot]};
        }
        at = at + 8 < end ? at + 8 : 0;
    }
}

void slab_take_at_random(struct heap *heap, struct slab *slab, unsigned want) {
    struct magazine *magazine = &heap->magazine[slab->class];
    struct entry *bottom = magazine->top;
    unsigned take = begin_take(heap, slab, want);
    uint32_t from = (uint32_t)((next_random(heap) >> 32) * slab->slots >> 32);
    slab->reach = (uint32_t)round_up(slab->slots, 8);
    take_round_from(slab, from, bottom + 1, take);
    shuffle(heap, bottom + 1, take);
    if (slab->outside == slab->capacity) bin_remove(heap, slab);
    signal_order();
    magazine->top = bottom + take;
}

/* `count` slots of the slab became available, the lowest of them `lowest`. */
static inline void became_available(struct heap *heap, struct slab *slab, uint32_t lowest,
                                    uint32_t count) {
    if (lowest < slab->scan) slab->scan = lowest;
    if (!slab->listed) bin_add(heap, slab);
    if (slab->age > AGE_OLD) slab->age = AGE_OLD;
    signal_order();
    slab->outside -= count;
    if (slab->outside == 0) keep_empty(heap, slab);
}

/* CACHED to FREE, CACHED_FRESH to FRESH. */
static inline void give_state(_Atomic uint8_t *state) {
    state_set(state, (state_get(state) & 1) != 0 ? SLOT_FRESH : SLOT_FREE);
}

static void give_one(struct heap *heap, struct entry entry) {
    struct slab *slab = slab_head(slab_of(granule_of(entry.slot)));
    if (unlikely(slab->kind == GRANULE_COLD)) {
        cold_give(entry.slot);
        return;
    }
    /* It waited in a quarantine while the heap had no thread, and another one took the slab. */
    if (atomic_load_explicit(&slab->owner, memory_order_relaxed) != heap) {
        remote_give(slab, entry.state);
        return;
    }
    give_state(entry.state);
    became_available(heap, slab, (uint32_t)(entry.state - slab->state), 1);
}

/* Gives the first entries that are all of one slab, if it is the heap's; how many. */
static unsigned give_run(struct heap *heap, const struct entry *entries, unsigned count) {
    struct slab *slab = slab_head(slab_of(granule_of(entries->slot)));
    if (atomic_load_explicit(&slab->owner, memory_order_relaxed) != heap) return 0;
    _Atomic uint8_t *states = slab->state;
    size_t slots = slab->slots, lowest = SIZE_MAX;
    unsigned i = 0;
    do {
        size_t slot = (size_t)(entries[i].state - states); /* huge when before the slab's */
        if (slot >= slots) break;
        give_state(states + slot);
        lowest = slot < lowest ? slot : lowest;
    } while (++i < count);
    became_available(heap, slab, (uint32_t)lowest, i);
    return i;
}

#define RUN_WORTHWHILE 4u
#define SINGLES 8u

/* What is freed in the order in which it was allocated comes in long runs of one slab. What is
 * freed at random does not, and then asking each time where a run ends costs more, by its
 * mispredicted branches, than it saves: so after a short run some are given one by one. */
void slab_give(struct heap *heap, const struct entry *entries, unsigned count) {
    for (unsigned i = 0; i < count;) {
        unsigned run = give_run(heap, entries + i, count - i);
        i += run;
        if (run >= RUN_WORTHWHILE) continue;
        for (unsigned end = i + SINGLES; i < end && i < count; i++) give_one(heap, entries[i]);
    }
}

/* Acquire: the freeing thread's last accesses come before the slot's next use. */
static inline bool take_remote(const _Atomic uint8_t *state) {
    return atomic_load_explicit(state, memory_order_acquire) == SLOT_REMOTE;
}

void slab_harvest(struct heap *heap, struct slab *slab) {
    uint32_t lowest = UINT32_MAX, count = 0;
    for (uint32_t at = 0; at < slab->reach; at += 8) {
        uint64_t word = load_states(slab->state, at);
        uint64_t remote = word ^ 0x0101010101010101ull * SLOT_REMOTE;
        if (((remote - 0x0101010101010101ull) & ~remote & ~AVAILABLE_MASK) == 0) continue;
        for (uint32_t slot = at; slot < at + 8; slot++) {
            if (!take_remote(&slab->state[slot])) continue;
            state_set(&slab->state[slot], SLOT_FREE);
            if (count++ == 0) lowest = slot;
        }
    }
    if (count != 0) became_available(heap, slab, lowest, count);
}

static void own_granules(struct slab *slab, struct heap *heap) {
    for (unsigned i = 0; i < class_granules(slab->class); i++) {
        struct slab *part = slab_part(slab, i);
        part->magazine = &heap->freed[slab->class];
        atomic_store_explicit(&part->owner, heap, memory_order_seq_cst);
    }
}

void slabs_follow(struct heap *heap) {
    size_t granules = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE);
    for (size_t granule = 1; granule < granules; granule++) {
        struct slab *slab = slab_of(granule);
        if (atomic_load_explicit(&slab->owner, memory_order_relaxed) == heap && slab->index == 0)
            own_granules(slab, heap);
    }
}

void slab_transfer(struct slab *slab, struct heap *from, struct heap *to) {
    /* One that is empty is still here when the lock was refused to slab_retire_empty. */
    if (slab->outside == 0) use_empty(from, slab);
    bin_remove(from, slab);
    own_granules(slab, to);
    bin_add(to, slab);
}

void slab_repair(struct heap *heap, struct slab *slab) {
    uint32_t outside = 0;
    own_granules(slab, heap); /* a transfer may have stopped halfway */
    for (uint32_t slot = 0; slot < slab->slots; slot++) {
        _Atomic uint8_t *state = &slab->state[slot];
        switch (atomic_load_explicit(state, memory_order_acquire)) {
        case SLOT_CACHED_FRESH:
            state_set(state, SLOT_FRESH);
            break;
        case SLOT_CACHED:
        case SLOT_REMOTE:
            state_set(state, SLOT_FREE);
            break;
        case SLOT_CHECKED:
        case SLOT_CLOSING:
        case SLOT_HELD:
        case SLOT_HELD_FRESH:
        case SLOT_USED:
            outside++;
            break;
        default:
            break;
        }
    }
    slab->outside = outside;
    slab->scan = 0;
    slab->listed = false;
    if (outside < slab->capacity) bin_add(heap, slab);
    if (outside == 0 && may_retire()) slab_retire(heap, slab, false);
}
