#include "check/guard_fault.h"

#include <stdint.h>

#include "base/compiler.h"
#include "base/text.h"
#include "check/block_info.h"
#include "guard/guard.h"
#include "guard/guard_info.h"
#include "guard/guard_range.h"
#include "heap/slab.h"
#include "pages/mapping_place.h"
#include "pages/mapping_table.h"
#include "report/report.h"

enum fault_kind { FAULT_ACCESS, FAULT_READ, FAULT_WRITE };

static enum fault_kind guard_fault_access(const ucontext_t *context) {
#if defined(__x86_64__)
    return (context->uc_mcontext.gregs[REG_ERR] & 2) != 0 ? FAULT_WRITE : FAULT_READ;
#else
    (void)context;
    return FAULT_ACCESS;
#endif
}

static void guard_fault_add_access(struct text *t, const char *p, const struct block_info *block,
                                   const ucontext_t *context) {
    static const char *const names[] = {"access", "read", "write"};
    text_add(t, names[guard_fault_access(context)]);
    if (block == NULL) return;
    text_add(t, p < block->start ? " at offset -" : " at offset ");
    text_add_number(t, (uint64_t)(p < block->start ? block->start - p : p - block->start));
}

static const char *guard_fault_cause(const char *p, const struct block_info *block) {
    if (block == NULL) return slab_is_end_guard(p) ? "heap overflow" : "use after free";
    if (block->life == LIFE_FREED) return "use after free";
    return p < block->start ? "heap underflow" : "heap overflow";
}

static bool guard_fault_is_inside_live(const char *p, const struct block_info *block) {
    return block->life == LIFE_LIVE && p >= block->start && p < block->start + block->size;
}

/* Finds the block that the access at p belongs to. */
static bool guard_fault_find(const char *p, struct block_info *block) {
    struct mapping beside;
    if (guard_range_contains(p)) return guard_info(p, block);
    if (slab_is_end_guard(p)) return block_info_last(p, block);
    return mapping_beside(p, &beside) && block_info_of(beside.block, block);
}

/* Returns true if nothing but an error of the program accesses p. */
static bool guard_fault_is_forbidden(const char *p) {
    struct mapping beside;
    return guard_range_contains(p) || slab_is_end_guard(p) ||
           (mapping_place_contains(p) && mapping_beside(p, &beside));
}

/* Reports the fault, and makes the page accessible if errors do not end the process. Is not
 * inlined, because the handler may run on a small stack. */
static NOINLINE bool guard_fault_report_access(const char *p, const ucontext_t *context) {
    char detail[64] = {0};
    struct text t = {.buffer = detail, .size = sizeof detail - 1};
    struct block_info block;
    bool known = guard_fault_find(p, &block);
    /* A fault inside a live block has another cause: the block was executed, for example. */
    if (known && guard_fault_is_inside_live(p, &block)) return false;
    guard_fault_add_access(&t, p, known ? &block : NULL, context);
    report_error(&(struct error){
        .cause = guard_fault_cause(p, known ? &block : NULL),
        .p = p,
        .block = known ? &block : NULL,
        .detail = detail,
        .context = context,
    });
    if (guard_range_contains(p)) return guard_open(p);
    return slab_is_end_guard(p) && slab_open_end(p);
}

bool guard_fault_report(const char *p, const ucontext_t *context) {
    return guard_fault_is_forbidden(p) && guard_fault_report_access(p, context);
}
