/* The properties of the processor that unwinding needs: DWARF's numbers for the registers, and how
 * to read the registers. */
#ifndef MALLOW_MACHINE_H
#define MALLOW_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "base/compiler.h"

#if defined(__x86_64__)
enum { REGISTER_FP = 6, REGISTER_SP = 7, REGISTER_RA = 16, REGISTERS = 17 };
#    define RA_IS_PC true /* REGISTER_RA is the pc, not a register that a call could preserve */
#elif defined(__aarch64__)
enum { REGISTER_FP = 29, REGISTER_RA = 30, REGISTER_SP = 31, REGISTERS = 32 };
#    define RA_IS_PC false
#else /* no stacks on other processors */
enum { REGISTER_FP, REGISTER_SP, REGISTER_RA, REGISTERS };
#    define RA_IS_PC false
#endif

/* The registers of one frame. The pc is a return address; the frame executes the byte before it. */
struct registers {
    uintptr_t pc;
    uintptr_t value[REGISTERS];
    uint32_t known; /* a bit for each register whose value is known */
};

#define REGISTER_BIT(n) ((uint32_t)1 << (n))

static inline uintptr_t thread_pointer(void) {
    uintptr_t pointer = 0;
#if defined(__x86_64__)
    __asm__("movq %%fs:0, %0" : "=r"(pointer));
#elif defined(__aarch64__)
    __asm__("mrs %0, tpidr_el0" : "=r"(pointer));
#endif
    return pointer;
}

/* Reads the registers of the calling function that calls preserve: those that unwinding to its
 * callers needs. */
ALWAYS_INLINE void registers_here(struct registers *here) {
#if defined(__x86_64__)
    __asm__ volatile(
        "movq %%rbx, 24(%2)\n\t"
        "movq %%rbp, 48(%2)\n\t"
        "movq %%rsp, 56(%2)\n\t"
        "movq %%r12, 96(%2)\n\t"
        "movq %%r13, 104(%2)\n\t"
        "movq %%r14, 112(%2)\n\t"
        "movq %%r15, 120(%2)\n\t"
        "leaq 0f(%%rip), %0\n"
        "0:"
        : "=&r"(here->pc), "=m"(here->value)
        : "r"(here->value)
        : "memory");
    here->known = REGISTER_BIT(3) | REGISTER_BIT(6) | REGISTER_BIT(7) | 0xf000u;
#elif defined(__aarch64__)
    __asm__ volatile(
        "stp x19, x20, [%2, #152]\n\t"
        "stp x21, x22, [%2, #168]\n\t"
        "stp x23, x24, [%2, #184]\n\t"
        "stp x25, x26, [%2, #200]\n\t"
        "stp x27, x28, [%2, #216]\n\t"
        "stp x29, x30, [%2, #232]\n\t"
        "mov %0, sp\n\t"
        "str %0, [%2, #248]\n\t"
        "adr %0, 0f\n"
        "0:"
        : "=&r"(here->pc), "=m"(here->value)
        : "r"(here->value)
        : "memory");
    here->known = 0xfff80000u;
#else
    here->pc = 0;
    here->known = 0;
#endif
}

/* Stores the registers with which the caller of a function continues after the call. `entry` is the
 * function's frame address (__builtin_frame_address). Returns false if `entry` is NULL, or if the
 * processor's frames do not have that layout. */
__attribute__((no_sanitize("thread", "address", "undefined"))) static inline bool
frame_of_caller(const void *entry, uintptr_t *pc, uintptr_t *sp, uintptr_t *fp) {
#if defined(__x86_64__)
    const uintptr_t *saved = entry; /* | fp | return address | the caller's frame */
    if (entry == NULL) return false;
    *fp = saved[0];
    *pc = saved[1];
    *sp = (uintptr_t)(saved + 2);
    return true;
#else
    (void)entry, (void)pc, (void)sp, (void)fp;
    return false;
#endif
}

/* Reads the registers of code that a signal interrupted. The instruction at its pc has not run. */
static inline void registers_interrupted(struct registers *there, const ucontext_t *context) {
#if defined(__x86_64__)
    static const uint8_t place[REGISTER_RA] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                               REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                               REG_R12, REG_R13, REG_R14, REG_R15};
    for (unsigned i = 0; i < REGISTER_RA; i++)
        there->value[i] = (uintptr_t)context->uc_mcontext.gregs[place[i]];
    there->pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP] + 1;
    there->known = 0xffff;
#elif defined(__aarch64__)
    for (unsigned i = 0; i < REGISTER_SP; i++) there->value[i] = context->uc_mcontext.regs[i];
    there->value[REGISTER_SP] = context->uc_mcontext.sp;
    there->pc = context->uc_mcontext.pc + 1;
    there->known = 0xffffffff;
#else
    (void)context;
    there->pc = 0;
    there->known = 0;
#endif
}

/* Makes the pc available to the expressions of jump tables (PLT), which depend on it. A jump table
 * makes no calls, so its frame was interrupted, and the instruction is one byte before the pc. */
static inline void number_pc(struct registers *registers) {
    if (!RA_IS_PC) return;
    registers->value[REGISTER_RA] = registers->pc - 1;
    registers->known |= REGISTER_BIT(REGISTER_RA);
}

/* Removes the signature from a return address. */
static inline uintptr_t return_address(uintptr_t saved) {
#if defined(__aarch64__)
    register uintptr_t x30 __asm__("x30") = saved;
    __asm__("hint #7" : "+r"(x30)); /* xpaclri; a no-op on processors without it */
    return x30;
#else
    return saved;
#endif
}

#endif
