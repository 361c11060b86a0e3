#include "profile/samples.h"

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/settings.h"
#include "os/os_process.h"
#include "os/thread_id.h"
#include "profile/probes.h"
#include "profile/profile_lock.h"
#include "profile/profile_table.h"
#include "profile/profile_threads.h"
#include "profile/sample_gap.h"
#include "profile/sites.h"

struct sample {
    struct table_link link;
    uintptr_t key; /* the complement of the address, so that no leak check takes it for a pointer */
    size_t size;
    double weight;
    int64_t time;
    uint32_t site, thread;
};

static UNTOUCHED char *samples_chunks[TABLE_CHUNKS];
static struct table samples_table = {.entry_bytes = sizeof(struct sample),
                                     .chunks = samples_chunks};
static _Atomic uint64_t samples_lost_count;
static int64_t samples_forked = INT64_MIN; /* when the process was forked */

static uintptr_t samples_key(const void *p) { return ~(uintptr_t)p; }

/* Clears the bit of samples_moving_key. */
static const void *samples_address(const struct sample *sample) {
    return (const void *)(~sample->key & ~(uintptr_t)1);
}

static struct sample *samples_at(uint32_t n) { return table_at(&samples_table, n); }

static uint32_t samples_find(const void *p) {
    uintptr_t key = samples_key(p);
    uint32_t n = table_first(&samples_table, table_hash(key));
    while (n != 0 && samples_at(n)->key != key) n = table_next(&samples_table, n);
    return n;
}

static struct site_block samples_block(const struct sample *sample) {
    return (struct site_block){.size = sample->size,
                               .weight = sample->weight,
                               .inherited = sample->time <= samples_forked};
}

static void samples_forget(uint32_t n, int64_t now) {
    const struct sample *sample = samples_at(n);
    probe_free(samples_address(sample));
    site_freed(sample->site, samples_block(sample), now - sample->time);
    table_remove(&samples_table, n);
}

/* ---- blocks that were freed while the lock was refused ---- */

#define SAMPLES_LATER 64u

static struct {
    _Atomic uintptr_t key[SAMPLES_LATER]; /* 0: none */
    _Atomic bool any;
} samples_later;

/* If there is no room, the sample stays until its place is sampled again. */
static NOINLINE void samples_forget_later(const void *p) {
    for (unsigned i = 0; i < SAMPLES_LATER; i++) {
        uintptr_t none = 0;
        if (!atomic_compare_exchange_strong(&samples_later.key[i], &none, samples_key(p))) continue;
        atomic_store(&samples_later.any, true);
        return;
    }
    atomic_fetch_add_explicit(&samples_lost_count, 1, memory_order_relaxed);
}

static NOINLINE void samples_forget_now(void) {
    atomic_store(&samples_later.any, false);
    for (unsigned i = 0; i < SAMPLES_LATER; i++) {
        uintptr_t key = atomic_exchange(&samples_later.key[i], 0);
        uint32_t n = key == 0 ? 0 : samples_find((const void *)~key);
        if (n != 0) samples_forget(n, os_exact_ns());
    }
}

static bool samples_lock(struct lock_hold *hold) {
    if (!open_lock_take(&profile_lock, hold)) return false;
    if (unlikely(atomic_load_explicit(&samples_later.any, memory_order_relaxed)))
        samples_forget_now();
    return true;
}

/* ---- one block ---- */

static bool samples_record(const void *p, const struct sample *sample) {
    uint32_t before = samples_find(p);
    if (before != 0) samples_forget(before, sample->time); /* its free was not noticed */
    uint32_t n = table_take(&samples_table);
    if (n == 0) return false;
    struct sample *entry = samples_at(n);
    *entry = *sample;
    table_insert(&samples_table, n, table_hash(sample->key));
    site_allocated(sample->site, samples_block(sample));
    probe_alloc(p, sample->size, sample->weight);
    return true;
}

bool samples_add(const void *p, size_t size, bool large, stack_id stack) {
    size_t rate = racy_load(size_t, &settings.sample);
    struct lock_hold hold;
    struct sample sample = {.key = samples_key(p),
                            .size = size,
                            .weight = large || rate == 0 ? 1 : sample_weight(size, rate),
                            .time = os_exact_ns(),
                            .thread = (uint32_t)thread_id()};
    bool added = false;
    if (samples_lock(&hold)) {
        profile_threads_see(sample.thread);
        sample.site = sites_of(stack, large);
        added = sample.site != 0 && samples_record(p, &sample);
        open_lock_drop(&profile_lock, &hold);
    }
    if (!added) atomic_fetch_add_explicit(&samples_lost_count, 1, memory_order_relaxed);
    return added;
}

bool samples_remove(const void *p) {
    struct lock_hold hold;
    int64_t now = os_exact_ns();
    if (!samples_lock(&hold)) {
        samples_forget_later(p);
        return false;
    }
    uint32_t n = samples_find(p);
    if (n != 0) samples_forget(n, now);
    open_lock_drop(&profile_lock, &hold);
    return n != 0;
}

/* ---- resizing ---- */

/* While a block may be moved, its sample has the key of an address within the block, where no other
 * block can begin. Another thread may allocate at the old address before the move is recorded. */
static uintptr_t samples_moving_key(const void *p) { return samples_key((const char *)p + 1); }

static void samples_set_key(uint32_t n, uintptr_t key) {
    struct sample changed = *samples_at(n);
    changed.key = key;
    table_remove(&samples_table, n);
    uint32_t to = table_take(&samples_table); /* the entry that was removed */
    MALLOW_ASSERT(to == n);
    changed.link = samples_at(to)->link;
    *samples_at(to) = changed;
    table_insert(&samples_table, to, table_hash(key));
}

uint32_t samples_begin_resize(const void *p) {
    struct lock_hold hold;
    if (!samples_lock(&hold)) {
        samples_forget_later(p);
        return 0;
    }
    uint32_t n = samples_find(p);
    if (n != 0) samples_set_key(n, samples_moving_key(p));
    open_lock_drop(&profile_lock, &hold);
    return n;
}

/* The block keeps the probability with which it was sampled, because that did not depend on the
 * size that it has now. */
static void samples_change(uint32_t n, const void *now, size_t size) {
    struct sample *sample = samples_at(n);
    struct site_block before = samples_block(sample);
    uint32_t other = samples_find(now);
    if (other != 0) samples_forget(other, sample->time); /* its free was not noticed */
    probe_free(samples_address(sample));
    probe_alloc(now, size, sample->weight);
    sample->size = size;
    site_resized(sample->site, before, samples_block(sample));
    samples_set_key(n, samples_key(now));
}

/* All samples may have been forgotten meanwhile, and the entry reused. */
static bool samples_is_moving(uint32_t n, const void *p) {
    const struct sample *sample = n <= samples_table.high ? table_used(&samples_table, n) : NULL;
    return sample != NULL && sample->key == samples_moving_key(p);
}

void samples_end_resize(uint32_t n, const void *p, const void *now, size_t size) {
    struct lock_hold hold;
    if (n == 0) return;
    if (!samples_lock(&hold)) {
        samples_forget_later((const char *)p + 1);
        return;
    }
    if (samples_is_moving(n, p) && now != NULL) samples_change(n, now, size);
    if (samples_is_moving(n, p) && now == NULL) samples_set_key(n, samples_key(p));
    open_lock_drop(&profile_lock, &hold);
}

bool samples_any(void) { return racy_load(uint32_t, &samples_table.count) != 0; }

uint64_t samples_lost(void) {
    return atomic_load_explicit(&samples_lost_count, memory_order_relaxed);
}

/* ---- all samples ---- */

#define SAMPLES_AT_ONCE 64 /* for which the lock is taken */

RARE void samples_forget_all(void (*forget)(const void *p, bool large)) {
    struct {
        uintptr_t key;
        bool large;
    } some[SAMPLES_AT_ONCE];
    uint32_t n = racy_load(uint32_t, &samples_table.high);
    while (n != 0) {
        struct lock_hold hold;
        int64_t now = os_exact_ns();
        size_t count = 0;
        if (!samples_lock(&hold)) return;
        for (; n != 0 && count < SAMPLES_AT_ONCE; n--) {
            const struct sample *sample = table_used(&samples_table, n);
            if (sample == NULL) continue;
            some[count].key = samples_key(samples_address(sample));
            some[count++].large = sites_is_large(sample->site);
            samples_forget(n, now);
        }
        open_lock_drop(&profile_lock, &hold);
        for (size_t i = 0; i < count; i++) forget((const void *)~some[i].key, some[i].large);
    }
}

static void samples_copy(const struct sample *sample, struct mallow_profile_live *live) {
    *live = (struct mallow_profile_live){
        .address = (uintptr_t)samples_address(sample),
        .bytes = sample->size,
        .blocks = sample->weight,
        .time = (uint64_t)sample->time,
        .node = sites_node(sample->site),
        .thread = sample->thread,
        .large = sites_is_large(sample->site),
        .inherited = sample->time <= samples_forked,
    };
}

bool samples_get(const void *p, struct mallow_profile_live *live) {
    struct lock_hold hold;
    if (!samples_any() || !samples_lock(&hold)) return false;
    uint32_t n = samples_find(p);
    if (n != 0) samples_copy(samples_at(n), live);
    open_lock_drop(&profile_lock, &hold);
    return n != 0;
}

size_t samples_read(uint32_t *next, uint32_t last_site, struct mallow_profile_live *live,
                    size_t max) {
    struct lock_hold hold;
    size_t count = 0;
    uint32_t n = *next;
    *next = 0;
    if (!samples_lock(&hold)) return 0;
    while (count < max && n < samples_table.high) {
        const struct sample *sample = table_used(&samples_table, ++n);
        if (sample != NULL && sample->site <= last_site) samples_copy(sample, &live[count++]);
    }
    if (n < samples_table.high) *next = n;
    open_lock_drop(&profile_lock, &hold);
    return count;
}

/* ---- pinned memory ---- */

/* Samples whose pinned memory is found without the lock. */
struct samples_pins {
    uint32_t numbers[SAMPLES_AT_ONCE];
    uintptr_t keys[SAMPLES_AT_ONCE];
    size_t count;
};

/* Adds samples of slots after *n. Returns false after the last one. */
static bool samples_next_pins(struct samples_pins *pins, uint32_t *n) {
    struct lock_hold hold;
    pins->count = 0;
    if (!samples_lock(&hold)) return false;
    uint32_t high = samples_table.high;
    while (pins->count < SAMPLES_AT_ONCE && *n < high) {
        const struct sample *sample = table_used(&samples_table, ++*n);
        if (sample == NULL || sites_is_large(sample->site)) continue;
        pins->numbers[pins->count] = *n;
        pins->keys[pins->count++] = sample->key;
    }
    open_lock_drop(&profile_lock, &hold);
    return pins->count != 0;
}

/* A sample stands for `weight` blocks, which pin as much. */
static void samples_add_pins(const struct samples_pins *pins, const size_t *bytes) {
    struct lock_hold hold;
    if (!samples_lock(&hold)) return;
    for (size_t i = 0; i < pins->count; i++) {
        const struct sample *sample = table_used(&samples_table, pins->numbers[i]);
        if (sample == NULL || sample->key != pins->keys[i] || bytes[i] == 0) continue;
        double pinned = (double)bytes[i], weight = sample->weight;
        site_pins(sample->site, pinned * weight, pinned * pinned * weight * (weight - 1));
    }
    open_lock_drop(&profile_lock, &hold);
}

RARE bool samples_count_pinned(uint32_t most) {
    struct samples_pins pins;
    size_t bytes[SAMPLES_AT_ONCE];
    uint32_t n = 0;
    if (racy_load(uint32_t, &samples_table.count) > most) return false;
    sites_forget_pinned();
    while (samples_next_pins(&pins, &n)) {
        for (size_t i = 0; i < pins.count; i++)
            bytes[i] = samples_pinned_by((const void *)~pins.keys[i]);
        samples_add_pins(&pins, bytes);
    }
    return true;
}

/* ---- repair ---- */

static void samples_each_site(void) {
    for (uint32_t n = 1; n <= samples_table.high; n++) {
        const struct sample *sample = table_used(&samples_table, n);
        if (sample != NULL) site_live(sample->site, samples_block(sample));
    }
}

/* The sums of what is live are counted again from the samples. */
RARE static void samples_repair(void) {
    table_repair(&samples_table);
    sites_repair();
    profile_threads_repair();
    sites_forget_live();
    samples_each_site();
}

struct open_lock profile_lock = {
    .repair = samples_repair, .kind = SAMPLES_LOCK, .interruptible = true};

/* A handler that interrupted the holder may fork and return to it. The sums then stay as they are.
 */
RARE void samples_after_fork(void) {
    if (open_lock_after_fork(&profile_lock)) samples_repair();
    bool is_held = atomic_load_explicit(&profile_lock.word, memory_order_relaxed) != 0;
    if (samples_table.high == 0 || is_held) return;
    samples_forked = os_exact_ns();
    sites_begin();
    samples_each_site();
}

const struct table *samples_memory(void) { return &samples_table; }

RARE void samples_after_copy(void) { open_lock_lose(&profile_lock); }
