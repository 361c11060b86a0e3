/* Corrupted stacks are read without a fault: between inaccessible pages, and around a running
 * function. */
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "check.h"
#include "random.h"
#include "stack/stack.h"

#define PAGE ((size_t)4096)
#define PAGES 4u
#define WORDS (PAGES * PAGE / sizeof(uintptr_t))

static uint64_t seed = 1;
static uintptr_t *stack; /* PAGES pages between inaccessible ones */
static struct stack_cache *cache;

static const uintptr_t code[] = {(uintptr_t)qsort, (uintptr_t)stack_capture, (uintptr_t)printf,
                                 (uintptr_t)stack_capture_interrupted, (uintptr_t)signal};

/* Returns a random word that may look like an address of code or of the stack. */
static uintptr_t random_word(void) {
    uintptr_t small = random_below(&seed, 1 << 12);
    switch (random_below(&seed, 6)) {
    case 0:
        return random_next(&seed) << random_below(&seed, 60);
    case 1:
        return code[random_below(&seed, sizeof code / sizeof *code)] + small;
    case 2:
        return (uintptr_t)(stack + random_below(&seed, WORDS));
    case 3:
        return (uintptr_t)(stack + WORDS) - small % 64;
    case 4:
        return (uintptr_t)stack + small % 64 - 32;
    default:
        return (uintptr_t)&small + small - (small & 7);
    }
}

static void interrupted(void) {
    ucontext_t context;
    uintptr_t frames[STACK_FRAMES_MAX];
    memset(&context, 0, sizeof context);
    for (size_t i = 0; i < WORDS; i++) stack[i] = random_word();
    for (unsigned i = 0; i < NGREG; i++) context.uc_mcontext.gregs[i] = (greg_t)random_word();
    if (random_below(&seed, 4) != 0)
        context.uc_mcontext.gregs[REG_RSP] = (greg_t)(stack + random_below(&seed, WORDS));
    stack_frames(stack_capture_interrupted(&context), frames);
}

static uintptr_t saved[256];

/* Captures a stack while the words above its own frame are overwritten. */
__attribute__((noinline)) static void running(size_t words) {
    volatile uintptr_t *above = __builtin_frame_address(0);
    for (size_t i = 0; i < words; i++) saved[i] = above[i];
    for (size_t i = random_below(&seed, words); i < words; i += 1 + random_below(&seed, 3))
        above[i] = random_word();
    stack_capture(&cache);
    for (size_t i = 0; i < words; i++) above[i] = saved[i];
}

static unsigned depth_now(void) {
    uintptr_t frames[STACK_FRAMES_MAX];
    return stack_frames(stack_capture(&cache), frames);
}

int main(void) {
    char room[sizeof saved];
    memset(room, 0, sizeof room);
    char *map = mmap(NULL, (PAGES + 2) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(map != MAP_FAILED);
    stack = (uintptr_t *)(map + PAGE);
    CHECK(mprotect(stack, PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
    unsigned depth = depth_now();
    CHECK(depth >= 3);
    for (unsigned i = 0; i < 20000; i++) interrupted();
    for (unsigned i = 0; i < 100000; i++) {
        running(1 + random_below(&seed, sizeof saved / sizeof *saved));
        if (i % 10 == 0) CHECK_EQUAL(depth_now(), depth);
    }
    return room[0];
}
