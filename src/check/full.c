#include "check/full.h"

#include <string.h>

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/quarantine.h"
#include "check/redzone.h"
#include "check/sized_free.h"
#include "heap/alloc.h"
#include "heap/slab.h"
#include "heap/slab_give.h"
#include "os/os.h"
#include "os/thread_id.h"
#include "report/report.h"

#define RECORD_KNOWN 0x80u /* set in `family`: the record was written */
#define FAMILY_MASK 0x0fu

#define ZONE_SMALL 32u
#define ZONE 64u

/* ---- where the block lies in its slot ---- */

static size_t full_zone(size_t size) { return size < ZONE ? ZONE_SMALL : ZONE; }

/* Returns the number of bytes that the slot needs. */
static size_t full_slot_bytes(const struct alloc_request *request) {
    size_t for_alignment = request->align > UNIT ? request->align - UNIT : 0;
    return full_zone(request->size) + request->size + full_zone(request->size) + for_alignment;
}

static char *full_block_start(const struct slot_ref *ref) {
    return ref->start + record_of(ref)->offset;
}

/* The right redzone reaches up to the slot's end. */
static size_t full_right_bytes(const struct slot_ref *ref) {
    return ref->bytes - record_of(ref)->offset - record_of(ref)->size;
}

static char *full_right_start(const struct slot_ref *ref) {
    return full_block_start(ref) + record_of(ref)->size;
}

/* ---- descriptions and reports ---- */

static uint8_t full_fill_of_freed(void) {
    return settings.perturb != 0 ? settings.perturb : FILL_FREED;
}

/* Returns the first byte that was written to a freed slot; NULL if there is none. The record has
 * the value that the slot was filled with, because M_PERTURB may have changed since. */
static const char *full_find_write(const struct slot_ref *ref) {
    const struct record *record = record_of(ref);
    return record->size == 0 ? NULL
                             : redzone_find_fill_damage(ref->start, ref->bytes, record->fill);
}

void full_info(const struct slot_ref *ref, struct block_info *info) {
    const struct record *record = record_of(ref);
    bool live = slot_state_get(ref->state) == SLOT_CHECKED;
    *info = (struct block_info){
        .life = live ? LIFE_LIVE : LIFE_FREED,
        .start = full_block_start(ref),
        .size = record->size,
        .exact = true,
        .family = (enum family)(record->family & FAMILY_MASK),
        .align = (size_t)1 << record->align,
    };
    info->allocated = record->allocated;
    info->allocated_by = record->allocated_by;
    info->freed = live ? 0 : record->freed;
    info->freed_by = live ? 0 : record->freed_by;
}

static void full_report(const struct slot_ref *ref, const char *cause, const void *p,
                        const char *detail) {
    struct block_info info;
    full_info(ref, &info);
    report_error(&(struct error){.cause = cause, .p = p, .block = &info, .detail = detail});
}

static void full_report_write(const struct slot_ref *ref, const char *found) {
    struct block_info info;
    full_info(ref, &info);
    info.life = LIFE_FREED;
    report_error(&(struct error){.cause = "use after free",
                                 .p = full_find_write(ref),
                                 .block = &info,
                                 .detail = found,
                                 .advice = ADVICE_GUARD});
}

stack_id full_capture_stack(struct heap *heap, const void *entry) {
    return settings.frames == 0 ? 0 : stack_capture_from(&heap->stacks, settings.frames, entry);
}

/* ---- taking a slot ---- */

uint8_t full_fill_of_fresh(void) {
    return settings.perturb != 0 ? (uint8_t)(settings.perturb ^ 0xff) : FILL_FRESH;
}

/* Prefetches a slot that will leave the quarantine soon, because it has not been touched for a long
 * time. */
static void full_fetch_next(const struct heap *heap, unsigned size_class) {
    struct magazine_entry entry = quarantine_look_ahead(heap, size_class);
    if (entry.slot == NULL) return;
    struct slot_ref next = slot_ref_of(entry);
    fetch_ahead(next.start);
    fetch_ahead(next.start + CACHE_LINE);
    fetch_ahead((const void *)next.state);
    fetch_ahead(record_of(&next));
}

/* Takes a slot and sets its state to CLOSING, so that only this thread may use it. Sets *filled if
 * the slot comes from the quarantine and must therefore still have its fill. Returns false if there
 * is no memory. */
ALWAYS_INLINE bool full_take_slot(struct heap *heap, unsigned size_class, struct slot_ref *ref,
                                  bool *filled) {
    struct magazine_entry entry = quarantine_take(heap, size_class);
    *filled = entry.slot != NULL;
    if (*filled) {
        slot_state_set(entry.state, SLOT_CLOSING);
        *ref = slot_ref_of(entry);
        full_fetch_next(heap, size_class);
        return true;
    }
    struct slab *slab = alloc_find_slab(heap, size_class);
    if (slab == NULL || !record_make_array(slab)) return false;
    *ref = slot_ref_of(slab_take_one(heap, slab));
    return true;
}

static void full_write_record(const struct slot_ref *ref, size_t offset,
                              const struct alloc_request *request, stack_id stack) {
    *record_of(ref) = (struct record){
        .size = (uint16_t)request->size,
        .offset = (uint16_t)offset,
        .family = (uint8_t)(request->family | RECORD_KNOWN),
        .align = (uint8_t)__builtin_ctzl(request->align),
        .allocated = stack,
        .allocated_by = thread_id(),
    };
}

/* Allocates a block of no bytes, which has an inaccessible slot of its own. */
static NOINLINE void *full_alloc_empty(struct heap *heap, const struct alloc_request *request,
                                       stack_id stack) {
    struct slot_ref ref;
    bool filled;
    if (!full_take_slot(heap, CLASS_ZERO, &ref, &filled)) return NULL;
    full_write_record(&ref, 0, request, stack);
    atomic_store_explicit(ref.state, SLOT_CHECKED, memory_order_release);
    return ref.start;
}

static size_t full_block_offset(const struct slot_ref *ref, const struct alloc_request *request) {
    uintptr_t slot = (uintptr_t)ref->start;
    return round_up(slot + full_zone(request->size), request->align) - slot;
}

void *full_alloc(struct heap *heap, const struct alloc_request *request, stack_id stack) {
    if (unlikely(request->size - 1 >= SLOT_MAX)) {
        bool empty = request->size == 0 && request->align <= UNIT;
        return empty ? full_alloc_empty(heap, request, stack) : NULL;
    }
    if (request->align > SLOT_MAX || full_slot_bytes(request) > SLOT_MAX) return NULL;
    struct slot_ref ref;
    bool filled;
    if (!full_take_slot(heap, size_class_of(full_slot_bytes(request)), &ref, &filled)) return NULL;
    if (filled && unlikely(full_find_write(&ref) != NULL))
        full_report_write(&ref, "found when its memory was about to be reused");
    size_t offset = full_block_offset(&ref, request);
    full_write_record(&ref, offset, request, stack);
    char *start = ref.start + offset;
    redzone_fill(ref.start, offset);
    memset(start, request->zero ? 0 : full_fill_of_fresh(), request->size);
    redzone_fill(full_right_start(&ref), full_right_bytes(&ref));
    atomic_store_explicit(ref.state, SLOT_CHECKED, memory_order_release);
    return start;
}

/* ---- verifying ---- */

bool full_is_known(const struct slot_ref *ref) {
    uint8_t state = atomic_load_explicit(ref->state, memory_order_acquire);
    if (likely(state == SLOT_CHECKED)) return settings.check == CHECK_FULL; /* it has a record */
    if (ref->slab->records == NULL || (record_of(ref)->family & RECORD_KNOWN) == 0) return false;
    return state != SLOT_USED && state != SLOT_FRESH && state != SLOT_CACHED_FRESH;
}

/* Returns which redzone was written to, and sets *where to the first byte that was changed. */
static enum damage full_find_damage(const struct slot_ref *ref, const char **where) {
    size_t left = record_of(ref)->offset;
    *where = NULL;
    if (unlikely(record_of(ref)->size == 0)) return DAMAGE_NONE;
    *where = redzone_find_damage(full_right_start(ref), full_right_bytes(ref));
    if (unlikely(*where != NULL)) return DAMAGE_TAIL;
    *where = redzone_find_damage(ref->start, left);
    return *where == NULL ? DAMAGE_NONE : DAMAGE_HEAD;
}

static enum damage full_verify_live(const struct slot_ref *ref, const char *when) {
    const char *where;
    enum damage damage = full_find_damage(ref, &where);
    if (unlikely(damage != DAMAGE_NONE))
        full_report(ref, damage == DAMAGE_TAIL ? "heap overflow" : "heap underflow", where, when);
    return damage;
}

static enum damage full_damage_now(const struct slot_ref *ref, bool live) {
    const char *where;
    if (live) return full_find_damage(ref, &where);
    return full_find_write(ref) != NULL ? DAMAGE_FREED : DAMAGE_NONE;
}

/* Compares twice, because another thread may be using the slot at the same time. The state must be
 * the same before and after. */
enum damage full_damage(const struct slot_ref *ref) {
    uint8_t state = atomic_load_explicit(ref->state, memory_order_acquire);
    bool live = state == SLOT_CHECKED;
    if (!live && state != SLOT_HELD) return DAMAGE_NONE;
    if (likely(full_damage_now(ref, live) == DAMAGE_NONE)) return DAMAGE_NONE;
    enum damage damage = full_damage_now(ref, live);
    return atomic_load_explicit(ref->state, memory_order_acquire) == state ? damage : DAMAGE_NONE;
}

enum damage full_verify(const struct slot_ref *ref, const char *when) {
    enum damage damage = full_damage(ref);
    if (likely(damage == DAMAGE_NONE)) return DAMAGE_NONE;
    if (damage != DAMAGE_FREED) return full_verify_live(ref, when);
    full_report_write(ref, when);
    return damage;
}

/* ---- freeing ---- */

/* Claims the block that begins at p. If there is none, or another thread that frees it at the same
 * time has claimed it first, reports an error and returns false. */
static bool full_close_slot(const struct slot_ref *ref, const void *p) {
    uint8_t live = SLOT_CHECKED;
    if (p != full_block_start(ref)) {
        full_report(ref, "invalid free", p, NULL);
        return false;
    }
    if (!atomic_compare_exchange_strong_explicit(ref->state, &live, SLOT_CLOSING,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        full_report(ref, "double free", p, NULL);
        return false;
    }
    return true;
}

/* Returns true if nothing in the request can differ from the record. */
static bool full_needs_no_check(const struct record *record, const struct free_request *request) {
    return !request->has_size && !request->has_align && record->align == 0 &&
           (record->family & FAMILY_MASK) == request->family;
}

static void full_check_request(const struct slot_ref *ref, const struct free_request *request) {
    struct block_info info;
    full_info(ref, &info);
    info.life = LIFE_LIVE;
    sized_free_check(&info, request);
}

static void full_give_back(struct heap *heap, struct magazine_entry entry) {
    struct slot_ref ref = slot_ref_of(entry);
    if (full_find_write(&ref) != NULL) full_report_write(&ref, "found when it left quarantine");
    slab_give(heap, &entry, 1);
}

/* Puts the slot into the quarantine. Up to two others leave, so that an excess over the bound
 * shrinks. */
static void full_keep(struct heap *heap, const struct slot_ref *ref) {
    struct magazine_entry entry = {ref->start, ref->state};
    unsigned size_class = ref->slab->size_class;
    if (!quarantine_put(heap, size_class, entry)) {
        full_give_back(heap, entry);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        struct magazine_entry leaving = quarantine_evict(heap, size_class);
        if (leaving.slot == NULL) return;
        full_fetch_next(heap, size_class);
        full_give_back(heap, leaving);
    }
}

bool full_free(struct heap *heap, const struct slot_ref *ref, void *p,
               const struct free_request *request, stack_id stack) {
    if (!full_close_slot(ref, p)) return false;
    struct record *record = record_of(ref);
    /* After a report the block is freed as usual. */
    if (unlikely(!full_needs_no_check(record, request))) full_check_request(ref, request);
    full_verify_live(ref, "found by free");
    record->freed = stack;
    record->freed_by = thread_id();
    record->fill = full_fill_of_freed();
    if (likely(record->size != 0)) memset(ref->start, record->fill, ref->bytes);
    atomic_store_explicit(ref->state, SLOT_HELD, memory_order_release);
    if (heap != NULL) full_keep(heap, ref);
    return true;
}

bool full_relieve(struct heap *heap) {
    bool some = false;
    for (;;) {
        struct magazine_entry entry = quarantine_relieve(heap);
        if (entry.slot == NULL) return some;
        full_give_back(heap, entry);
        some = true;
    }
}
