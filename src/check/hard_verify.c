#include "check/hard_verify.h"

#include <string.h>

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/hard_seal.h"
#include "check/redzone.h"
#include "heap/slab.h"
#include "os/os.h"
#include "report/report.h"

/* ---- reports ---- */

bool hard_is_known(const struct slot_ref *ref) {
    uint8_t state = atomic_load_explicit(ref->state, memory_order_acquire);
    return settings.check == CHECK_HARD &&
           (state == SLOT_CHECKED || state == SLOT_HELD || state == SLOT_CLOSING);
}

void hard_info(const struct slot_ref *ref, struct block_info *info) {
    bool live = slot_state_get(ref->state) == SLOT_CHECKED;
    *info = (struct block_info){
        .life = live ? LIFE_LIVE : LIFE_FREED,
        .start = ref->start,
        .size = live ? hard_size_of(ref->start, ref->bytes) : ref->bytes - HARD_TAIL,
        .exact = live,
    };
}

/* Returns the first byte after the block that was changed; NULL if none was. */
static RARE const char *hard_find_overflow(char *slot, size_t bytes) {
    uint64_t unused = hard_unused_in(slot, bytes);
    char *word = hard_word_of(slot, bytes);
    if (!hard_is_possible(unused, bytes)) return word;
    return redzone_find_fill_damage(word - unused, unused, HARD_GAP);
}

/* Describes the block as live even while it is being freed, when its state no longer says so. */
RARE void hard_report_overflow(const struct slot_ref *ref, const char *when) {
    struct block_info info;
    hard_info(ref, &info);
    info.life = LIFE_LIVE;
    info.exact = true;
    info.size = hard_size_of(ref->start, ref->bytes);
    report_error(&(struct error){
        .cause = "heap overflow",
        .p = hard_find_overflow(ref->start, ref->bytes),
        .block = &info,
        .detail = when,
    });
}

RARE static void hard_report_late_write(const struct slot_ref *ref, const char *when) {
    struct block_info info;
    hard_info(ref, &info);
    report_error(&(struct error){.cause = "use after free",
                                 .p = redzone_find_fill_damage(ref->start, ref->bytes, 0),
                                 .block = &info,
                                 .detail = when,
                                 .advice = ADVICE_GUARD});
}

/* Returns true if the slot is free and must be zero. A large slot that was never handed out is not
 * compared: that would touch most of its pages for the first time. */
static bool hard_must_be_zero(const struct slot_ref *ref, uint8_t state) {
    return state == SLOT_HELD || state == SLOT_HELD_FRESH ||
           (state == SLOT_FRESH && ref->bytes < HARD_COMPARED_FRESH) ||
           (state == SLOT_FREE && ref->slab->wiped);
}

/* Compares twice, because another thread may be using the slot at the same time. */
bool hard_is_damaged(const struct slot_ref *ref) {
    uint8_t state = atomic_load_explicit(ref->state, memory_order_acquire);
    bool live = state == SLOT_CHECKED, whole = true;
    if (ref->slab->size_class == CLASS_ZERO || (!live && !hard_must_be_zero(ref, state)))
        return false;
    for (int i = 0; i < 2; i++) {
        whole = live ? hard_is_whole(ref->start, ref->bytes) : hard_is_zero(ref->start, ref->bytes);
        if (likely(whole)) return false;
    }
    return atomic_load_explicit(ref->state, memory_order_acquire) == state;
}

RARE static void hard_report_stray_write(const struct slot_ref *ref, const char *when) {
    const char *written = redzone_find_fill_damage(ref->start, ref->bytes, 0);
    report_error(&(struct error){.cause = "corrupted", .p = written, .detail = when});
}

bool hard_verify(const struct slot_ref *ref, const char *when) {
    if (!hard_is_damaged(ref)) return false;
    switch (slot_state_get(ref->state)) {
    case SLOT_CHECKED:
        hard_report_overflow(ref, when);
        break;
    case SLOT_HELD_FRESH:
    case SLOT_FRESH:
        hard_report_stray_write(ref, when);
        break;
    default:
        hard_report_late_write(ref, when);
    }
    return true;
}

/* ---- before the first slot ---- */

/* These bytes belong to no slot. A write before the first block would otherwise go unnoticed. */
#define LEAD CACHE_LINE

/* Returns NULL if the slab begins with its first slot. */
static char *hard_lead_of(struct slab *slab) {
    char *first = slab_slot_zero(slab) + (size_t)(slab->slots - slab->capacity) * slab->slot_size;
    bool room = first - granule_start(slab_granule(slab)) >= (ptrdiff_t)LEAD;
    return room && slab->size_class != CLASS_ZERO ? first - LEAD : NULL;
}

/* Clears the lead, so that the write is reported once. */
RARE static void hard_report_lead(char *lead, const char *when) {
    struct slot_ref first;
    struct block_info info;
    const char *written = redzone_find_fill_damage(lead, LEAD, 0);
    bool known = slot_ref_find(lead + LEAD, &first) && hard_is_known(&first);
    if (known) hard_info(&first, &info);
    report_error(&(struct error){.cause = known ? "heap underflow" : "corrupted",
                                 .p = written,
                                 .block = known ? &info : NULL,
                                 .detail = when});
    memset(lead, 0, LEAD);
}

size_t hard_verify_lead(struct slab *slab, const char *when) {
    char *lead = hard_lead_of(slab);
    if (lead == NULL || !slab->wiped || hard_is_zero(lead, LEAD)) return 0;
    hard_report_lead(lead, when);
    return 1;
}

NOINLINE RARE void hard_clear_written(char *slot, size_t bytes) {
    struct slot_ref ref;
    if (slot_ref_find(slot, &ref))
        (slot_state_get(ref.state) == SLOT_HELD_FRESH
             ? hard_report_stray_write
             : hard_report_late_write)(&ref, "found when it was about to be reused");
    memset(slot, 0, bytes);
}

void hard_wipe(struct slab *slab) {
    char *zero = slab_slot_zero(slab);
    for (uint32_t slot = 0; slot < slab->slots; slot++)
        if (slot_state_get(&slab->state[slot]) == SLOT_FREE)
            memset(zero + (size_t)slot * slab->slot_size, 0, slab->slot_size);
    char *lead = hard_lead_of(slab);
    if (lead != NULL) memset(lead, 0, LEAD);
    slab->wiped = true;
}
