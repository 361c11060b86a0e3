/* A captured stack leaves out the shared library's own frames, but only at its inner end. */
#include "check.h"
#include "inside.h"

#define NOINLINE __attribute__((noinline))

static int is_in(uintptr_t pc, uintptr_t function) { return pc - function < 200; }

NOINLINE static stack_id plain(void) {
    stack_id stack = capture_inside(3);
    __asm__ volatile("" ::: "memory");
    return stack;
}

int main(void) {
    uintptr_t frames[STACK_FRAMES_MAX];
    for (volatile unsigned i = 0; i < 3; i++) {
        unsigned n = frames_of(plain(), frames);
        CHECK(n >= 3 && is_in(frames[0], (uintptr_t)plain));
        n = frames_of(call_back(plain), frames);
        CHECK(n >= 4 && is_in(frames[0], (uintptr_t)plain));
        Dl_info info[2];
        CHECK(dladdr((void *)frames[1], &info[0]) && dladdr((void *)frames[2], &info[1]));
        CHECK(info[0].dli_fbase != info[1].dli_fbase);
    }
    return 0;
}
