#include "stack/unwind_rule.h"

#include "base/numbers.h"
#include "stack/cfi_reader.h"

#if defined(__x86_64__)
enum { X_BREG_FP = 0x70 + REGISTER_FP, X_LOAD = 0x06 };
#endif

/* Recognises the expressions for functions that align their stack: fp + offset, or the word there
 * (`load`). */
static bool unwind_rule_is_relative_to_fp(const uint8_t *expression, bool load, int32_t *offset) {
#if defined(__x86_64__)
    struct cfi_reader reader = {expression, expression + 16, false};
    uint64_t length = cfi_uleb(&reader);
    reader.end = reader.at + min_size(length, 16);
    if (cfi_fixed(&reader, 1) != X_BREG_FP) return false;
    *offset = (int32_t)cfi_sleb(&reader);
    return (!load || cfi_fixed(&reader, 1) == X_LOAD) && reader.at == reader.end && !reader.failed;
#else
    (void)expression, (void)load, (void)offset;
    return false;
#endif
}

static bool unwind_rule_condense_cfa(const struct cfi_rule *cfa, struct rule *rule) {
    rule->cfa_offset = (int32_t)cfa->offset;
    if (cfa->kind == CFI_IS_EXPRESSION) {
        rule->kind = RULE_FP_LOAD;
        return unwind_rule_is_relative_to_fp(cfa->expression, true, &rule->cfa_offset);
    }
    rule->kind = cfa->number == REGISTER_SP ? RULE_SP : RULE_FP;
    return cfa->kind == CFI_REGISTER && rule->cfa_offset == cfa->offset &&
           (cfa->number == REGISTER_SP || cfa->number == REGISTER_FP);
}

static bool unwind_rule_condense_offset(const struct cfi_rule *saved, int16_t *offset) {
    *offset = (int16_t)saved->offset;
    return saved->kind == CFI_AT && *offset == saved->offset && *offset != 0;
}

static bool unwind_rule_condense_fp(const struct cfi_rule *saved, struct rule *rule) {
    int32_t offset = 0;
    if (rule->kind != RULE_FP_LOAD)
        return saved->kind == CFI_SAME || unwind_rule_condense_offset(saved, &rule->fp_offset);
    if (saved->kind != CFI_AT_EXPRESSION ||
        !unwind_rule_is_relative_to_fp(saved->expression, false, &offset))
        return false;
    rule->fp_offset = (int16_t)offset;
    return rule->fp_offset == offset;
}

bool unwind_rule_condense(const struct cfi *cfi, struct rule *rule) {
    const struct cfi_rule *ra = &cfi->row.rule[cfi->return_register];
    rule->fp_offset = 0;
    if (ra->kind == CFI_UNDEFINED) {
        rule->kind = RULE_END;
        return true;
    }
    return !cfi->signal_frame && cfi->row.rule[REGISTER_SP].kind == CFI_SAME &&
           unwind_rule_condense_cfa(&cfi->row.cfa, rule) &&
           unwind_rule_condense_offset(ra, &rule->ra_offset) &&
           unwind_rule_condense_fp(&cfi->row.rule[REGISTER_FP], rule);
}
