#include "process/page_pins.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "heap/slot_location.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "os/os_process.h"
#include "pages/pages.h"

/* A page of the kernel. */
struct page_pins {
    const char *start;
    size_t taken; /* bytes of live slots, and of those in magazines and quarantines */
    size_t live;  /* live slots that are at least in part in the page */
};

/* The states of live slots have bit 0 and neither bit 1 nor bit 2, and those of slots that wait in
 * a magazine or quarantine have bit 1 (enum slot_state). */
static bool page_pins_is_live(uint8_t state) { return (state & 7) == SLOT_USED; }
static bool page_pins_is_held(uint8_t state) { return (state & 2) != 0; }

static void page_pins_add(struct page_pins *page, const char *slot, size_t bytes, uint8_t state) {
    const char *end = page->start + os_page_size();
    const char *from = slot < page->start ? page->start : slot;
    const char *to = slot + bytes > end ? end : slot + bytes;
    if (from >= to) return;
    if (page_pins_is_live(state)) page->live++;
    if (page_pins_is_live(state) || page_pins_is_held(state)) page->taken += (size_t)(to - from);
}

static void page_pins_add_slab(struct page_pins *page) {
    const struct slab *part = slab_of(granule_of(page->start));
    const struct slab *head = slab_head((struct slab *)part);
    const char *zero = slab_slot_zero(part);
    size_t size = part->slot_size, before = (size_t)(part->state - head->state);
    size_t slots = head->slots > before ? head->slots - before : 0;
    size_t slot = (size_t)(page->start - zero) / size;
    size_t end = ((size_t)(page->start - zero) + os_page_size() - 1) / size + 1;
    for (; slot < min_size(end, slots); slot++)
        page_pins_add(page, zero + slot * size, size, slot_state_get(&part->state[slot]));
}

static void page_pins_add_shared(struct page_pins *page) {
    const struct slab *granule = slab_of(granule_of(page->start));
    uint32_t unit = shared_unit(page->start), end = unit + (uint32_t)(os_page_size() / UNIT);
    uint32_t around = shared_find_start(granule, unit);
    if (around != UINT32_MAX) unit = around;
    for (; unit < end; unit++) {
        /* Acquire: its class was written before its state. */
        uint8_t state = atomic_load_explicit(&granule->state[unit], memory_order_acquire);
        if (state == SLOT_FRESH || (state >= SHARED_CLASS_MARK && state < SLOT_FREE)) continue;
        const char *slot = granule_start(granule_of(page->start)) + (size_t)unit * UNIT;
        page_pins_add(page, slot, size_class_bytes(shared_class(granule, unit)), state);
    }
}

/* Returns what each live slot in the page pins. */
static size_t page_pins_in(const char *start, enum granule_kind kind) {
    struct page_pins page = {.start = start};
    unsigned char resident = 0;
    if (kind == GRANULE_SLAB)
        page_pins_add_slab(&page);
    else
        page_pins_add_shared(&page);
    if (page.live == 0 || page.taken >= os_page_size()) return 0;
    if (!os_find_resident(start, os_page_size(), &resident) || (resident & 1) == 0) return 0;
    return (os_page_size() - page.taken) / page.live;
}

/* Returns the size of the slot that begins at p, or 0 if it is not live. */
static size_t page_pins_slot(const char *p, const struct slab *part) {
    if (part->kind == GRANULE_SLAB) {
        struct slot_location slot = slot_locate(part, p);
        return slot.is_start && page_pins_is_live(slot_state_get(slot.state)) ? part->slot_size : 0;
    }
    if (part->kind != GRANULE_SHARED || (uintptr_t)p % UNIT != 0) return 0;
    uint8_t state = atomic_load_explicit(&part->state[shared_unit(p)], memory_order_acquire);
    return page_pins_is_live(state) && state < SHARED_CLASS_MARK
               ? size_class_bytes(shared_class(part, shared_unit(p)))
               : 0;
}

static size_t page_pins_of_locked(const char *p) {
    size_t granule = granule_of(p), page = os_page_size(), pinned = 0;
    if (granule >= space.granules) return 0;
    const struct slab *part = slab_of(granule);
    size_t bytes = page_pins_slot(p, part);
    if (bytes == 0) return 0;
    const char *at = p - (uintptr_t)p % page;
    for (; at < p + bytes; at += page) pinned += page_pins_in(at, part->kind);
    return pinned;
}

RARE size_t page_pins_of(const void *p) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return 0;
    size_t pinned = page_pins_of_locked(p);
    open_lock_drop(&global_lock, &hold);
    return pinned;
}
