#include "check/bounds.h"

#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/text.h"
#include "check/block_info.h"
#include "guard/guard_info.h"
#include "guard/guard_range.h"
#include "heap/slab.h"
#include "heap/slot_location.h"
#include "pages/mapping.h"
#include "report/report.h"
#include "stack/loaded.h"

/* ---- how far a block reaches ---- */

static size_t bounds_limit_from(const struct block_info *block, const void *p) {
    if (block->life != LIFE_LIVE) return 0;
    size_t offset = (size_t)((uintptr_t)p - (uintptr_t)block->start); /* huge when p is before */
    return offset < block->size ? block->size - offset : 0;
}

static NOINLINE size_t bounds_limit_elsewhere(const void *p) {
    struct block_info block;
    size_t rest = guard_range_contains(p) ? guard_info_rest(p) : 0;
    if (rest != 0) return rest;
    return block_info_of(p, &block) ? bounds_limit_from(&block, p) : SIZE_MAX;
}

/* The library's own code may access anything, because it fills redzones. Its calls are recognised
 * by their return address. A tail call would leave a different return address, so none of its
 * functions ends with a call that accesses memory outside a block. Most pointers lead to the stack,
 * to static data or to used slots of slabs. For these, this function needs no further look-up. */
EXPORT size_t mallow_check_limit(const void *p, const void *caller) {
    if (unlikely(loaded_is_own((uintptr_t)caller))) return SIZE_MAX;
    size_t granule = granule_of(p);
    if (granule >= racy_load(size_t, &space.granules))
        return guard_range_contains(p) || mapping_may_hold(p) ? bounds_limit_elsewhere(p)
                                                              : SIZE_MAX;
    const struct slab *slab = slab_of(granule);
    if (slab->kind != GRANULE_SLAB || slab->size_class == CLASS_ZERO)
        return bounds_limit_elsewhere(p);
    struct slot_location slot = slot_locate(slab, p);
    if (!slot_state_is_used(slot_state_get(slot.state))) return bounds_limit_elsewhere(p);
    return (slot.number + 1) * slab->slot_size - slot.offset;
}

/* ---- reports of failures ---- */

static void bounds_add_function(struct text *t, const char *name) {
    size_t length = strlen(name);
    bool fortified = length > 6 && strcmp(name + length - 4, "_chk") == 0;
    text_add_bytes(t, fortified ? name + 2 : name, fortified ? length - 6 : length);
}

/* Adds a description of the access, such as "write of 70 bytes". */
static void bounds_add_access(struct text *t, const struct mallow_failure *failure) {
    static const char *const names[] = {
        [MALLOW_READ] = "read of ",
        [MALLOW_WRITE] = "write of ",
        [MALLOW_STRING] = "unterminated string",
        [MALLOW_OVERLAP] = "copy of ",
    };
    text_add(t, names[failure->access]);
    if (failure->access == MALLOW_STRING) return;
    text_add_count(t, failure->length, "byte");
}

static void bounds_add_overlap(struct text *t, const struct mallow_failure *failure) {
    intptr_t distance = (intptr_t)failure->p - (intptr_t)failure->from;
    text_add(t, " to ");
    text_add_count(t, (uint64_t)(distance < 0 ? -distance : distance), "byte");
    text_add(t, distance < 0 ? " before their start" : " after their start");
}

static void bounds_add_block(struct text *t, const void *p, const struct block_info *block) {
    if (block->life == LIFE_FREED && block->size == 0) {
        text_add(t, " in memory that was freed");
        return;
    }
    intptr_t offset = (intptr_t)p - (intptr_t)block->start;
    text_add(t, offset < 0 ? " beginning " : " at offset ");
    if (offset < 0) {
        text_add_count(t, (uint64_t)-offset, "byte");
        text_add(t, " before the start");
    } else {
        text_add_number(t, (uint64_t)offset);
    }
    text_add(t, block->life == LIFE_FREED ? " of a freed block of " : " of a block of ");
    text_add_count(t, block->size, "byte");
}

static const char *bounds_cause(const struct mallow_failure *failure,
                                const struct block_info *block) {
    if (failure->access == MALLOW_OVERLAP) return "overlap";
    if (block->life == LIFE_FREED) return "use after free";
    return (const char *)failure->p < block->start ? "heap underflow" : "heap overflow";
}

EXPORT RARE void mallow_check_failed(const struct mallow_failure *failure) {
    struct block_info block;
    char detail[256];
    struct text t = {.buffer = detail, .size = sizeof detail - 1};
    bool known = block_info_of(failure->p, &block);
    if (!known && failure->access != MALLOW_OVERLAP) return;
    bounds_add_function(&t, failure->function);
    text_add(&t, ": ");
    bounds_add_access(&t, failure);
    if (failure->access == MALLOW_OVERLAP) bounds_add_overlap(&t, failure);
    if (known) bounds_add_block(&t, failure->p, &block);
    detail[t.length] = '\0';
    report_error(&(struct error){
        .cause = bounds_cause(failure, &block),
        .p = failure->p,
        .block = known ? &block : NULL,
        .detail = detail,
    });
}

EXPORT RARE void mallow_check_begin(const void *start, const void *end) {
    stack_leave_out(start, end);
}
