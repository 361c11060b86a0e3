/* Frames for 'mallow symbolize': plain functions, inlined functions, and Rust's names. */
#include "frames.h"

#define NOINLINE __attribute__((noinline))
#define INLINE static inline __attribute__((always_inline))
#define NO_TAIL() __asm__ volatile("")

NOINLINE void leaf(void);
void leaf(void) { PRINT_FRAME(); }

NOINLINE void outer(void);
void outer(void) {
    leaf(); /* outer's line */
    NO_TAIL();
}

INLINE void innermost(void) {
    leaf(); /* innermost's line */
    NO_TAIL();
}

INLINE void between(void) { innermost(); /* between's line */ }

NOINLINE void inlining(void);
void inlining(void) { between(); /* inlining's line */ }

void rust_old(void) __asm__("_ZN7example5parse10from_bytes17h0123456789abcdefE");
NOINLINE void rust_old(void) {
    leaf();
    NO_TAIL();
}

void rust_new(void) __asm__("_RNvMs_NtCs1234_7example5parseNtB4_6Parser4next");
NOINLINE void rust_new(void) {
    leaf();
    NO_TAIL();
}

int main(void) {
    outer();
    inlining();
    rust_old();
    rust_new();
    return 0;
}
