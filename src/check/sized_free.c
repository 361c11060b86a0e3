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

static void report_told(const struct block_info *block, const char *cause, const char *detail) {
    report_error(
        &(struct error){.cause = cause, .p = block->start, .block = block, .detail = detail});
}

static const char *allocates(enum family family) {
    return family == FAMILY_MALLOC ? "malloc" : family == FAMILY_NEW ? "new" : "new[]";
}

static const char *frees(enum family family) {
    return family == FAMILY_MALLOC ? "free" : family == FAMILY_NEW ? "delete" : "delete[]";
}

/* A library may have operators of its own that only it can see, as one that was linked with
 * -static-libstdc++: of a pair of new and delete one is then called here and the other is not. */
static bool may_be_half_of_a_pair(enum family allocated, enum family freed) {
    return (allocated == FAMILY_MALLOC) != (freed == FAMILY_MALLOC);
}

static RARE void report_families(const struct block_info *block, enum family freed) {
    char detail[DETAIL] = "";
    struct text t = {.buffer = detail, .size = sizeof detail - 1};
    text_add(&t, "allocated by ");
    text_add(&t, allocates(block->family));
    text_add(&t, ", freed by ");
    text_add(&t, frees(freed));
    if (may_be_half_of_a_pair(block->family, freed))
        text_add(&t,
                 " (no error if a library has an operator new or delete that only it can see; "
                 "mismatched_free=ignore passes over it)");
    report_told(block, "mismatched free", detail);
}

/* "WHAT is IS, freed with TOLD" */
static RARE void report_numbers(const struct block_info *block, const char *what, size_t is,
                                size_t told) {
    char detail[DETAIL] = "";
    struct text t = {.buffer = detail, .size = sizeof detail - 1};
    text_add(&t, what);
    text_add(&t, " is ");
    text_add_number(&t, is);
    text_add(&t, ", freed with ");
    text_add_number(&t, told);
    report_told(block, "size mismatch", detail);
}

/* The alignment that was asked for or, where that is not kept, the one that the block has. */
static RARE void report_alignment(const struct block_info *block, size_t told) {
    uintptr_t start = (uintptr_t)block->start;
    report_numbers(block, "alignment", block->align != 0 ? block->align : start & -start, told);
}

static bool is_less_rightly(size_t told, size_t size) {
    return told <= size && alloc_may_be_larger();
}

/* Where the alignment that was asked for is not kept, the one that the block has must do. */
static bool is_aligned_so(const struct block_info *block, size_t told) {
    if (block->align != 0) return block->align == told;
    return told != 0 && (uintptr_t)block->start % told == 0;
}

void sized_free_check(const struct block_info *block, const struct free_request *how) {
    bool families = settings.check == CHECK_FULL && !settings.families_mixed;
    if (families && block->family != how->family) {
        report_families(block, how->family);
    } else if (how->has_size && block->exact && how->size != block->size &&
               !is_less_rightly(how->size, block->size)) {
        report_numbers(block, "size", block->size, how->size);
    } else if (how->has_align && !is_aligned_so(block, how->align)) {
        report_alignment(block, how->align);
    } else if (families && how->family != FAMILY_MALLOC && !how->has_align && block->align > UNIT) {
        report_told(block, "mismatched free", "allocated with an alignment, freed without");
    }
}

/* What was asked for with an alignment may be much less than the block has. */
RARE void sized_free_check_plain(void *p, const struct free_request *how) {
    struct found block = find_block(p);
    if (block.kind == BLOCK_NONE) return;
    bool fits = how->has_align ? how->size <= block.usable : size_fits(how->size, block.usable);
    struct block_info info = {.life = LIFE_LIVE, .start = p, .size = block.usable};
    if (!fits && !is_less_rightly(how->size, block.usable))
        report_numbers(&info, "room", block.usable, how->size);
    else if (how->has_align && !is_aligned_so(&info, how->align))
        report_alignment(&info, how->align);
}
