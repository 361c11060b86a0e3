/* A signal handler can allocate all sizes on a very small alternate stack. */
#include "alternate_stack.h"
#include "check.h"

#include <malloc.h>

/* The stack that the handler and its callees have in addition to the kernel's frame. */
enum { ROOM = 1024 };

static void allocate_all_sizes(int signal_number) {
    static void *blocks[400];
    int count = 0;
    (void)signal_number;
    for (size_t size = 1; size < 20000000; size += size / 8 + 1) blocks[count++] = malloc(size);
    blocks[count++] = memalign(1 << 16, 5000);
    blocks[count++] = calloc(1000, 1000);
    blocks[0] = realloc(blocks[0], 100000);
    for (int i = 0; i < count; i++) {
        CHECK(blocks[i] != NULL);
        free(blocks[i]);
    }
}

int main(void) {
    handle_on_small_stack(SIGUSR1, allocate_all_sizes, ROOM);
    for (int i = 0; i < 3; i++) CHECK_EQUAL(raise(SIGUSR1), 0);
}
