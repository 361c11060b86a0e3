#include "secret/slots.h"

#include <errno.h>
#include <string.h>

#include "base/kernel.h"
#include "base/limits.h"
#include "secret/canary.h"
#include "secret/damage.h"

#define SLOT_CLASSES 32

static struct secret_run *slots_partial[SLOT_CLASSES]; /* shared pages with a free slot */
static struct secret_run
    *slots_spare; /* one empty page, so that a single secret costs no mapping */

static struct slots_amounts slots_total;

struct slots_amounts slots_amounts(void) { return slots_total; }

size_t slots_shared_max(void) { return kernel_page() / 4; }

/* ---- sizes ---- */

/* Returns the class of secrets of this size: 16, 32, 48, 64, 96, 128, 192, ... bytes. */
static unsigned slots_class(size_t bytes, size_t *class_bytes) {
    size_t size = 16;
    unsigned number = 0;
    for (; size < bytes; number++) {
        if (size == 16)
            size = 32;
        else
            size += (size & (size - 1)) == 0 ? size / 2 : size / 3;
    }
    *class_bytes = size;
    return number;
}

static unsigned slots_class_of(const struct secret_run *run) {
    size_t unused;
    return slots_class(atomic_load(&run->slot_bytes) - CANARY_BYTES, &unused);
}

/* ---- lists ---- */

static void slots_link(struct secret_run *run, struct secret_run **list) {
    run->previous = NULL;
    run->next = *list;
    if (*list != NULL) (*list)->previous = run;
    *list = run;
}

static void slots_unlink(struct secret_run *run, struct secret_run **list) {
    if (run->next != NULL) run->next->previous = run->previous;
    if (run->previous != NULL)
        run->previous->next = run->next;
    else
        *list = run->next;
}

/* ---- addresses ---- */

/* Returns the alignment of an exact secret: the largest power of two up to 16 that divides its
 * size. */
static size_t slots_alignment(size_t bytes, bool is_exact) {
    size_t lowest = bytes & -bytes;
    return is_exact && lowest < 16 ? lowest : 16;
}

uintptr_t slots_address(const struct secret_run *run, uint32_t index) {
    return atomic_load(&run->low) + atomic_load(&run->offset) +
           (uintptr_t)index * atomic_load(&run->slot_bytes);
}

/* Returns the first address after the slot. */
static uintptr_t slots_end(struct slot_ref slot) {
    const struct secret_run *run = slot.run;
    size_t slot_bytes = atomic_load(&run->slot_bytes);
    if (slot_bytes == 0) return atomic_load(&run->low) + atomic_load(&run->bytes);
    return slots_address(run, slot.index) + slot_bytes;
}

/* Returns the first address of the canary before the slot. */
static uintptr_t slots_canary_before(struct slot_ref slot) {
    uint32_t offset = atomic_load(&slot.run->offset);
    return slots_address(slot.run, slot.index) - (offset < CANARY_BYTES ? offset : CANARY_BYTES);
}

/* ---- canaries ---- */

void slots_check(struct slot_ref slot) {
    size_t bytes = atomic_load(&slots_at(slot)->bytes);
    uintptr_t start = slots_address(slot.run, slot.index);
    if (!canary_is_intact(slots_canary_before(slot), start)) damage_near("before", start, bytes);
    if (!canary_is_intact(start + bytes, slots_end(slot))) damage_near("after", start, bytes);
}

/* Ends the process with a message if a free slot was written to. */
static void slots_check_free(struct slot_ref slot) {
    uintptr_t start = slots_address(slot.run, slot.index), end = slots_end(slot) - CANARY_BYTES;
    bool is_intact = canary_is_intact(slots_canary_before(slot), start) &&
                     canary_is_intact(end, end + CANARY_BYTES);
    for (uintptr_t at = start; at < end; at++) is_intact &= *(const unsigned char *)at == 0;
    if (!is_intact) damage_in_free(start);
}

/* ---- taking ---- */

static struct slot_ref slots_use(struct slot_ref slot, size_t bytes) {
    struct secret_run *run = slot.run;
    struct secret_slot *at = slots_at(slot);
    canary_fill(slots_address(run, slot.index) + bytes, slots_end(slot));
    at->readers = 0;
    at->writers = 1;
    atomic_store(&at->bytes, bytes);
    run->used++;
    run->writing++;
    slots_total.secrets++;
    slots_total.bytes += bytes;
    return slot;
}

/* Divides a page of zeroes into slots. */
static void slots_divide(struct secret_run *run, size_t class_bytes) {
    size_t slot_bytes = class_bytes + CANARY_BYTES;
    run->slot_count = (uint32_t)((atomic_load(&run->bytes) - CANARY_BYTES) / slot_bytes);
    run->first_free = 0;
    for (uint32_t i = 0; i < run->slot_count; i++) atomic_store(&run->slots[i].bytes, SLOT_IS_FREE);
    atomic_store(&run->offset, CANARY_BYTES);
    atomic_store(&run->slot_bytes, (uint32_t)slot_bytes);
    uintptr_t at = slots_address(run, 0);
    for (uint32_t i = 0; i <= run->slot_count; i++, at += slot_bytes)
        canary_fill(at - CANARY_BYTES, at);
}

/* Makes the page writable. Returns false and records the failure of `function`. */
static bool slots_open_page(struct secret_run *run, const char *function) {
    if (runs_protect(run, MALLOW_SECRET_READ_WRITE)) return true;
    limits_fail(function, "mprotect", kernel_page());
    return false;
}

/* Returns a writable page that is divided, or NULL. */
static struct secret_run *slots_new_page(size_t class_bytes, const char *function) {
    struct secret_run *run = slots_spare;
    if (run == NULL) {
        run = runs_take(kernel_page(), function);
    } else if (slots_open_page(run, function)) {
        memset((void *)atomic_load(&run->low), 0, kernel_page());
        slots_spare = NULL;
    } else {
        run = NULL;
    }
    if (run != NULL) slots_divide(run, class_bytes);
    return run;
}

struct slot_ref slots_take_shared(size_t bytes, const char *function) {
    const struct slot_ref none = {NULL, 0};
    size_t class_bytes;
    struct secret_run **list = &slots_partial[slots_class(bytes, &class_bytes)];
    if (*list == NULL) {
        struct secret_run *fresh = slots_new_page(class_bytes, function);
        if (fresh == NULL) return none;
        slots_link(fresh, list);
    } else if (!slots_open_page(*list, function)) {
        return none;
    }
    struct slot_ref slot = {*list, (*list)->first_free};
    while (atomic_load(&slots_at(slot)->bytes) != SLOT_IS_FREE) slot.index++;
    slots_check_free(slot);
    slots_use(slot, bytes);
    slot.run->first_free = slot.index + 1;
    if (slot.run->used == slot.run->slot_count) slots_unlink(slot.run, list);
    return slot;
}

struct slot_ref slots_take_own(size_t bytes, bool is_exact, const char *function) {
    size_t page = kernel_page(), align = slots_alignment(bytes, is_exact);
    size_t distance = (bytes + align - 1) / align * align;
    size_t total = (distance + page - 1) / page * page;
    struct slot_ref slot = {runs_take(total, function), 0};
    if (slot.run == NULL) return slot;
    slot.run->slot_count = 1;
    atomic_store(&slot.run->slot_bytes, 0);
    atomic_store(&slot.run->offset, (uint32_t)(total - distance));
    canary_fill(slots_canary_before(slot), slots_address(slot.run, 0));
    return slots_use(slot, bytes);
}

/* ---- giving back ---- */

/* Keeps one empty page. */
static void slots_give_page(struct secret_run *run) {
    slots_unlink(run, &slots_partial[slots_class_of(run)]);
    if (slots_spare != NULL) {
        runs_give(run);
        return;
    }
    slots_spare = run;
    runs_protect(run, MALLOW_SECRET_CLOSED);
}

void slots_give(struct slot_ref slot, bool is_last) {
    struct secret_run *run = slot.run;
    struct secret_slot *at = slots_at(slot);
    uintptr_t start = slots_address(run, slot.index), end = slots_end(slot);
    int error = errno;
    explicit_bzero((void *)start, end - start);
    run->reading -= at->readers != 0;
    run->writing -= at->writers != 0;
    run->used--;
    slots_total.secrets--;
    slots_total.bytes -= atomic_load(&at->bytes);
    atomic_store(&at->bytes, SLOT_IS_FREE);
    if (atomic_load(&run->slot_bytes) == 0) {
        runs_give(run);
        return;
    }
    canary_fill(end - CANARY_BYTES, end);
    if (slot.index < run->first_free) run->first_free = slot.index;
    if (run->used + 1 == run->slot_count) slots_link(run, &slots_partial[slots_class_of(run)]);
    if (run->used == 0)
        slots_give_page(run);
    else if (is_last)
        runs_protect(run, MALLOW_SECRET_CLOSED); /* if this fails, the next change repeats it */
    errno = error;
}

/* ---- search ---- */

struct slot_ref slots_find(uintptr_t address) {
    const struct slot_ref none = {NULL, 0};
    struct slot_ref slot = {runs_find(address), 0};
    if (slot.run == NULL || atomic_load(&slot.run->process) == 0) return none;
    size_t slot_bytes = atomic_load(&slot.run->slot_bytes);
    uintptr_t first = slots_address(slot.run, 0);
    if (address < first) return none;
    if (slot_bytes != 0) slot.index = (uint32_t)((address - first) / slot_bytes);
    if (slot.index >= slot.run->slot_count || slots_address(slot.run, slot.index) != address)
        return none;
    return atomic_load(&slots_at(slot)->bytes) == SLOT_IS_FREE ? none : slot;
}

void slots_enter_child(void) {
    memset(slots_partial, 0, sizeof slots_partial);
    slots_spare = NULL;
    slots_total = (struct slots_amounts){0, 0};
}
