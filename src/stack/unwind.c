#include "stack/unwind.h"

#include "base/atomics.h"
#include "base/compiler.h"

/* ---- objects ---- */

static bool unwind_object_stays(struct unwinder *u, struct object *object) {
    if (object->number == 0) return false;
    if (likely(object->loaded.stays || object->seen == u->capture)) return true;
    if (loaded_is(&object->loaded)) {
        object->seen = u->capture;
        return true;
    }
    object->number = 0;
    u->changes++;
    return false;
}

bool unwind_objects_stay(struct unwinder *u, uint32_t places) {
    for (; places != 0; places &= places - 1)
        if (!unwind_object_stays(u, &u->objects[__builtin_ctz(places)])) return false;
    return true;
}

uint32_t unwind_objects_that_go(const struct unwinder *u, uint32_t places) {
    uint32_t going = 0;
    for (uint32_t left = places; left != 0; left &= left - 1)
        if (!u->objects[__builtin_ctz(left)].loaded.stays) going |= left & -left;
    return going;
}

static struct object *unwind_known_object(struct unwinder *u, const struct loaded *loaded) {
    for (unsigned i = 0; i < UNWIND_OBJECTS; i++) {
        struct object *object = &u->objects[i];
        if (object->number != 0 && object->loaded.start == loaded->start &&
            unwind_object_stays(u, object))
            return object;
    }
    return NULL;
}

/* Numbers are not reused, so the rules of the object that was in that place become invalid. */
static struct object *unwind_new_object(struct unwinder *u, const struct loaded *loaded) {
    uint32_t number = ++u->next_place;
    if (number % UNWIND_OBJECTS == 0) number = ++u->next_place; /* skips 0, which means free */
    struct object *object = &u->objects[number % UNWIND_OBJECTS];
    if (object->number != 0) u->changes++;
    object->number = 0;
    signal_order();
    object->loaded = *loaded;
    object->seen = u->capture;
    signal_order();
    object->number = number;
    return object;
}

/* Returns NULL for an object that could not be distinguished from another one in its place. */
static struct object *unwind_object_of(struct unwinder *u, const struct loaded *loaded) {
    if (!loaded->stays && loaded->id == NULL) return NULL;
    struct object *object = unwind_known_object(u, loaded);
    return object != NULL ? object : unwind_new_object(u, loaded);
}

/* ---- steps by description ---- */

static uintptr_t unwind_in_register(const struct registers *r, unsigned number,
                                    enum cfi_answer *answer) {
    if (!(r->known & REGISTER_BIT(number))) *answer = CFI_BLIND;
    return r->value[number];
}

static enum cfi_answer unwind_find_cfa(struct unwinder *u, const struct registers *r,
                                       uintptr_t *cfa) {
    const struct cfi_rule *rule = &u->cfi.row.cfa;
    enum cfi_answer answer = CFI_OK;
    if (rule->kind == CFI_IS_EXPRESSION)
        return cfi_evaluate(rule->expression, r, NULL, &u->reach, cfa);
    if (rule->kind != CFI_REGISTER) return CFI_LOST;
    *cfa = unwind_in_register(r, rule->number, &answer) + (uintptr_t)rule->offset;
    return answer;
}

/* Computes the value that a register has in the caller. */
static enum cfi_answer unwind_restore_register(struct unwinder *u, const struct registers *r,
                                               const struct cfi_rule *rule, uintptr_t cfa,
                                               uintptr_t *value) {
    enum cfi_answer answer = CFI_OK;
    uintptr_t at = cfa + (uintptr_t)rule->offset;
    switch (rule->kind) {
    case CFI_IS:
        *value = at;
        return CFI_OK;
    case CFI_REGISTER:
        *value = unwind_in_register(r, rule->number, &answer);
        return answer;
    case CFI_AT:
        break;
    case CFI_AT_EXPRESSION:
    case CFI_IS_EXPRESSION:
        answer = cfi_evaluate(rule->expression, r, &cfa, &u->reach, &at);
        if (answer != CFI_OK) return answer;
        if (rule->kind == CFI_AT_EXPRESSION) break;
        *value = at;
        return CFI_OK;
    default:
        return CFI_LOST;
    }
    return reach_read(&u->reach, at, value) ? CFI_OK : CFI_LOST;
}

static enum cfi_answer unwind_restore_all(struct unwinder *u, struct registers *r, uintptr_t cfa) {
    struct registers caller = *r;
    caller.value[REGISTER_SP] = cfa;
    caller.known |= REGISTER_BIT(REGISTER_SP);
    if (RA_IS_PC) caller.known &= ~REGISTER_BIT(REGISTER_RA);
    for (unsigned i = 0; i < REGISTERS; i++) {
        const struct cfi_rule *rule = &u->cfi.row.rule[i];
        if (rule->kind == CFI_SAME) continue;
        enum cfi_answer answer = unwind_restore_register(u, r, rule, cfa, &caller.value[i]);
        if (answer == CFI_OK)
            caller.known |= REGISTER_BIT(i);
        else if (i == u->cfi.return_register)
            return answer;
        else
            caller.known &= ~REGISTER_BIT(i);
    }
    if (!(caller.known & REGISTER_BIT(u->cfi.return_register))) return CFI_LOST;
    caller.pc = return_address(caller.value[u->cfi.return_register]);
    *r = caller;
    return CFI_OK;
}

/* Steps by the row in u->cfi. */
static enum step unwind_step_by_row(struct unwinder *u, struct registers *r) {
    uintptr_t cfa;
    if (u->cfi.row.rule[u->cfi.return_register].kind == CFI_UNDEFINED) return STEP_END;
    number_pc(r);
    enum cfi_answer answer = unwind_find_cfa(u, r, &cfa);
    if (answer == CFI_OK) answer = unwind_restore_all(u, r, cfa);
    if (answer != CFI_OK) return answer == CFI_BLIND ? STEP_BLIND : STEP_LOST;
    if (r->pc == 0) return STEP_END;
    if (u->cfi.signal_frame) r->pc++;
    return STEP_OK;
}

/* Returns true if the value may be a frame pointer, which code without a description is assumed to
 * keep. */
static bool unwind_is_frame_pointer(uintptr_t fp, uintptr_t sp) {
    return fp % sizeof fp == 0 && fp >= sp;
}

static enum step unwind_step_by_fp(struct unwinder *u, struct registers *r) {
    uintptr_t fp = r->value[REGISTER_FP], word = sizeof fp;
    if (!(r->known & REGISTER_BIT(REGISTER_FP))) return STEP_BLIND;
    if (!unwind_is_frame_pointer(fp, r->value[REGISTER_SP]) || !reach_covers(&u->reach, fp) ||
        !reach_covers(&u->reach, fp + word))
        return STEP_LOST;
    r->pc = return_address(stack_word(fp + word));
    r->value[REGISTER_FP] = stack_word(fp);
    r->value[REGISTER_SP] = fp + 2 * word;
    r->known = REGISTER_BIT(REGISTER_FP) | REGISTER_BIT(REGISTER_SP);
    return r->pc == 0 ? STEP_END : STEP_OK;
}

static void unwind_registers_of_frame(const struct frame *frame, struct registers *r) {
    r->pc = frame->pc;
    r->value[REGISTER_SP] = frame->sp;
    r->value[REGISTER_FP] = frame->fp;
    r->known = REGISTER_BIT(REGISTER_SP) | REGISTER_BIT(REGISTER_FP);
}

static void unwind_frame_of_registers(const struct registers *r, struct frame *frame) {
    frame->pc = r->pc;
    frame->sp = r->value[REGISTER_SP];
    frame->fp = r->value[REGISTER_FP];
}

static void unwind_enter_stack(struct unwinder *u, uintptr_t sp) {
    if (unlikely(!reach_enter(&u->reach, sp))) u->changes++;
}

static enum step unwind_step_by_description(struct unwinder *u, bool described,
                                            struct frame *frame) {
    struct registers some, *r = u->whole ? &u->registers : &some;
    if (!u->whole) unwind_registers_of_frame(frame, r);
    enum step step = described ? unwind_step_by_row(u, r) : unwind_step_by_fp(u, r);
    if (step != STEP_OK) return step;
    unwind_frame_of_registers(r, frame);
    /* The frame of a signal handler may be on another stack than the interrupted frame. */
    if (!reach_covers(&u->reach, frame->sp)) unwind_enter_stack(u, frame->sp);
    return STEP_OK;
}

/* ---- rules ---- */

static struct rule *unwind_rule_place(struct unwinder *u, uintptr_t pc) {
    return &u->rules[pc * 0x9e3779b97f4a7c15u >> 52];
}
_Static_assert(UNWIND_RULES == 1u << (64 - 52), "the hash selects every rule");

static void unwind_keep_rule(struct unwinder *u, uintptr_t pc, const struct object *object,
                             struct rule *rule) {
    struct rule *place = unwind_rule_place(u, pc);
    rule->pc = 0; /* a handler may jump out of here */
    rule->object = object->number;
    place->pc = 0;
    signal_order();
    *place = *rule;
    signal_order();
    place->pc = pc;
}

static enum step unwind_apply_rule(struct unwinder *u, const struct rule *rule, struct frame *frame,
                                   struct step_reads *reads) {
    if (rule->kind == RULE_END) return STEP_END;
    if (rule->kind == RULE_FP_GUESS && !unwind_is_frame_pointer(frame->fp, frame->sp))
        return STEP_LOST;
    uintptr_t fp = frame->fp,
              cfa = (rule->kind == RULE_SP ? frame->sp : fp) + (uintptr_t)rule->cfa_offset;
    reads->uses_fp = rule->kind != RULE_SP;
    if (rule->kind == RULE_FP_LOAD) {
        if (!reach_covers(&u->reach, cfa)) return STEP_LOST;
        reads->cfa_at = cfa;
        cfa = stack_word(cfa);
    }
    uintptr_t ra_at = cfa + (uintptr_t)rule->ra_offset;
    if (cfa <= frame->sp || !reach_covers(&u->reach, ra_at)) return STEP_LOST;
    reads->ra_at = ra_at;
    frame->pc = return_address(stack_word(ra_at));
    if (rule->fp_offset != 0 || rule->kind == RULE_FP_LOAD) {
        uintptr_t fp_at = (rule->kind == RULE_FP_LOAD ? fp : cfa) + (uintptr_t)rule->fp_offset;
        if (!reach_covers(&u->reach, fp_at)) return STEP_LOST;
        reads->fp_at = fp_at;
        frame->fp = stack_word(fp_at);
    }
    frame->sp = cfa;
    return likely(frame->pc != 0) ? STEP_OK : STEP_END;
}

/* The rule for code without a description: some functions in assembler, and code that a program has
 * compiled at run time, which is in no object. If an object is later loaded in the place of such
 * code, this rule is still used for a return address that occurred there before. */
static const struct rule unwind_guess = {
    .kind = RULE_FP_GUESS,
    .cfa_offset = 2 * sizeof(uintptr_t),
    .ra_offset = -(int16_t)sizeof(uintptr_t),
    .fp_offset = -2 * (int16_t)sizeof(uintptr_t),
};

/* Returns false if the frame's description has no equivalent rule. */
static bool unwind_find_rule(struct unwinder *u, uintptr_t pc, struct loaded *loaded,
                             struct rule *rule) {
    bool known = loaded_find(pc, loaded);
    if (!known) *loaded = (struct loaded){.stays = true};
    if (known && loaded->table != NULL && cfi_find(&u->cfi, loaded->table, pc))
        return unwind_rule_condense(&u->cfi, rule);
    *rule = unwind_guess;
    return true;
}

static enum step unwind_step_whole(struct unwinder *u, struct frame *frame) {
    struct loaded loaded;
    uintptr_t pc = frame->pc - 1;
    return unwind_step_by_description(
        u, loaded_find(pc, &loaded) && loaded.table != NULL && cfi_find(&u->cfi, loaded.table, pc),
        frame);
}

static NOINLINE enum step unwind_look_up(struct unwinder *u, struct frame *frame,
                                         struct step_reads *reads) {
    struct loaded loaded;
    struct rule rule;
    uintptr_t pc = frame->pc - 1;
    reads->repeatable = false;
    if (u->whole) return unwind_step_whole(u, frame);
    if (!unwind_find_rule(u, pc, &loaded, &rule)) return unwind_step_by_description(u, true, frame);
    struct object *object = unwind_object_of(u, &loaded);
    if (object != NULL) {
        reads->repeatable = true;
        reads->object = (uint8_t)(object->number % UNWIND_OBJECTS);
        unwind_keep_rule(u, frame->pc, object, &rule);
    }
    return unwind_apply_rule(u, &rule, frame, reads);
}

/* Finds the return address of a function that has not executed anything yet. */
static bool unwind_fresh_return_address(struct unwinder *u, uintptr_t *caller,
                                        uintptr_t *caller_sp) {
    *caller_sp = u->registers.value[REGISTER_SP];
#if defined(__x86_64__)
    *caller_sp += sizeof *caller;
    return reach_read(&u->reach, u->registers.value[REGISTER_SP], caller);
#else
    *caller = return_address(u->registers.value[REGISTER_RA]);
    return true;
#endif
}

bool unwind_called(struct unwinder *u, struct frame *frame) {
    struct loaded object;
    uintptr_t caller, sp;
    if (loaded_find(frame->pc - 1, &object) || !unwind_fresh_return_address(u, &caller, &sp) ||
        !loaded_find(caller - 1, &object))
        return false;
    u->registers.pc = frame->pc = caller;
    u->registers.value[REGISTER_SP] = frame->sp = sp;
    return true;
}

void unwind_begin(struct unwinder *u, const struct frame *frame) {
    u->capture++;
    u->whole = false;
    unwind_enter_stack(u, frame->sp);
}

void unwind_begin_registers(struct unwinder *u, const struct registers *from, bool whole,
                            struct frame *frame) {
    unwind_frame_of_registers(from, frame);
    unwind_begin(u, frame);
    u->registers = *from;
    u->whole = whole;
}

enum step unwind_step(struct unwinder *u, struct frame *frame, struct step_reads *reads) {
    const struct rule *rule = unwind_rule_place(u, frame->pc);
    *reads = (struct step_reads){.repeatable = true};
    if (likely(rule->pc == frame->pc && !u->whole)) {
        struct object *object = &u->objects[rule->object % UNWIND_OBJECTS];
        if (likely(object->number == rule->object && unwind_object_stays(u, object))) {
            reads->object = (uint8_t)(rule->object % UNWIND_OBJECTS);
            return unwind_apply_rule(u, rule, frame, reads);
        }
    }
    return unwind_look_up(u, frame, reads);
}
