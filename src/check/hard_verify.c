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

/* ---- what is known, and what is said of it ---- */

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
        .size = live ? hard_size_of(place->start, place->bytes) : place->bytes - HARD_TAIL,
        .exact = live,
    };
}

/* The first byte behind the block that is not as it was left; NULL when all are. */
static RARE const char *find_overflow(char *slot, size_t bytes) {
    uint64_t unused = hard_unused_in(slot, bytes);
    char *word = hard_word_of(slot, bytes);
    if (!hard_is_possible(unused, bytes)) return word;
    return fill_find_damage(word - unused, unused, HARD_GAP);
}

/* Of a live block, also while it is being freed. */
RARE void hard_report_overflow(const struct place *place, const char *when) {
    struct block_info info;
    hard_info(place, &info);
    info.life = LIFE_LIVE;
    info.exact = true;
    info.size = hard_size_of(place->start, place->bytes);
    report_error(&(struct error){
        .cause = "heap overflow",
        .p = find_overflow(place->start, place->bytes),
        .block = &info,
        .detail = when,
    });
}

RARE static void hard_report_late_write(const struct place *place, const char *when) {
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
           (state == SLOT_FRESH && place->bytes < HARD_COMPARED_FRESH) ||
           (state == SLOT_FREE && place->slab->wiped);
}

/* What others do at the same time is no damage: it is looked at twice. */
bool hard_is_damaged(const struct place *place) {
    uint8_t state = atomic_load_explicit(place->state, memory_order_acquire);
    bool live = state == SLOT_CHECKED, whole = true;
    if (place->slab->class == CLASS_ZERO || (!live && !is_zeroed(place, state))) return false;
    for (int i = 0; i < 2; i++) {
        whole = live ? hard_is_whole(place->start, place->bytes)
                     : hard_is_zero(place->start, place->bytes);
        if (likely(whole)) return false;
    }
    return atomic_load_explicit(place->state, memory_order_acquire) == state;
}

RARE static void hard_report_stray_write(const struct place *place, const char *when) {
    const char *written = fill_find_damage(place->start, place->bytes, 0);
    report_error(&(struct error){.cause = "corrupted", .p = written, .detail = when});
}

bool hard_verify(const struct place *place, const char *when) {
    if (!hard_is_damaged(place)) return false;
    switch (state_get(place->state)) {
    case SLOT_CHECKED:
        hard_report_overflow(place, when);
        break;
    case SLOT_HELD_FRESH:
    case SLOT_FRESH:
        hard_report_stray_write(place, when);
        break;
    default:
        hard_report_late_write(place, when);
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
    return lead == NULL || !slab->wiped || hard_is_zero(lead, LEAD);
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

NOINLINE RARE void hard_clear_written(char *slot, size_t bytes) {
    struct place place;
    if (place_of(slot, &place))
        (state_get(place.state) == SLOT_HELD_FRESH
             ? hard_report_stray_write
             : hard_report_late_write)(&place, "found when it was to be used again");
    memset(slot, 0, bytes);
}

void hard_wipe(struct slab *slab) {
    char *zero = slab_slot_zero(slab), *lead = lead_of(slab);
    if (lead != NULL) memset(lead, 0, LEAD);
    for (uint32_t slot = 0; slot < slab->slots; slot++)
        if (state_get(&slab->state[slot]) == SLOT_FREE)
            memset(zero + (size_t)slot * slab->slot_size, 0, slab->slot_size);
    slab->wiped = true;
}
