#include "check/sized_free.h"

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/settings.h"
#include "base/text.h"
#include "heap/alloc.h"
#include "heap/find.h"
#include "report/report.h"

#define DETAIL 192

static void sized_free_report(const struct block_info *block, const char *cause,
                              const char *detail) {
    report_error(
        &(struct error){.cause = cause, .p = block->start, .block = block, .detail = detail});
}

static const char *sized_free_alloc_name(enum family family) {
    return family == FAMILY_MALLOC ? "malloc" : family == FAMILY_NEW ? "new" : "new[]";
}

static const char *sized_free_free_name(enum family family) {
    return family == FAMILY_MALLOC ? "free" : family == FAMILY_NEW ? "delete" : "delete[]";
}

/* A library that was linked with -static-libstdc++ has operators of its own, which only it can see.
 * Only one of a pair of new and delete may then reach this library. */
static bool sized_free_may_be_half_pair(enum family allocated, enum family freed) {
    return (allocated == FAMILY_MALLOC) != (freed == FAMILY_MALLOC);
}

static RARE void sized_free_report_families(const struct block_info *block, enum family freed) {
    char detail[DETAIL] = "";
    struct text t = {.buffer = detail, .size = sizeof detail - 1};
    text_add(&t, "allocated by ");
    text_add(&t, sized_free_alloc_name(block->family));
    text_add(&t, ", freed by ");
    text_add(&t, sized_free_free_name(freed));
    if (sized_free_may_be_half_pair(block->family, freed))
        text_add(&t,
                 " (no error if a library has an operator new or delete that only it can see; "
                 "mismatched_free=ignore allows it)");
    sized_free_report(block, "mismatched free", detail);
}

/* "WHAT is IS, freed with HINT" */
static RARE void sized_free_report_numbers(const struct block_info *block, const char *what,
                                           size_t is, size_t hint) {
    char detail[DETAIL] = "";
    struct text t = {.buffer = detail, .size = sizeof detail - 1};
    text_add(&t, what);
    text_add(&t, " is ");
    text_add_number(&t, is);
    text_add(&t, ", freed with ");
    text_add_number(&t, hint);
    sized_free_report(block, "size mismatch", detail);
}

/* Names the requested alignment or, if that is not kept, the alignment of the address. */
static RARE void sized_free_report_alignment(const struct block_info *block, size_t hint) {
    uintptr_t start = (uintptr_t)block->start;
    sized_free_report_numbers(block, "alignment", block->align != 0 ? block->align : start & -start,
                              hint);
}

static bool sized_free_may_be_smaller(size_t hint, size_t size) {
    return hint <= size && alloc_may_be_larger();
}

/* If the requested alignment is not kept, the address must have the alignment. */
static bool sized_free_fits_alignment(const struct block_info *block, size_t hint) {
    if (block->align != 0) return block->align == hint;
    return hint != 0 && (uintptr_t)block->start % hint == 0;
}

void sized_free_check(const struct block_info *block, const struct free_request *request) {
    bool families = settings.check == CHECK_FULL && !settings.families_mixed;
    if (families && block->family != request->family) {
        sized_free_report_families(block, request->family);
    } else if (request->has_size && block->exact && request->size != block->size &&
               !sized_free_may_be_smaller(request->size, block->size)) {
        sized_free_report_numbers(block, "size", block->size, request->size);
    } else if (request->has_align && !sized_free_fits_alignment(block, request->align)) {
        sized_free_report_alignment(block, request->align);
    } else if (families && request->family != FAMILY_MALLOC && !request->has_align &&
               block->align > UNIT) {
        sized_free_report(block, "mismatched free",
                          "allocated with an alignment, freed without one");
    }
}

/* A block that was requested with an alignment may have much more room than its size. */
RARE void sized_free_check_plain(void *p, const struct free_request *request) {
    struct block_ref block = find_block(p);
    if (block.kind == BLOCK_NONE) return;
    bool fits =
        request->has_align ? request->size <= block.usable : size_fits(request->size, block.usable);
    struct block_info info = {.life = LIFE_LIVE, .start = p, .size = block.usable};
    if (!fits && !sized_free_may_be_smaller(request->size, block.usable))
        sized_free_report_numbers(&info, "room", block.usable, request->size);
    else if (request->has_align && !sized_free_fits_alignment(&info, request->align))
        sized_free_report_alignment(&info, request->align);
}
