/* expect: mallow: double free of 0x */
#include "alternate_stack.h"
#include "twin.h"

/* The message is formatted on little stack. */
enum { ROOM = 2048 };

static void *volatile block;

static void handle(int signal_number) {
    (void)signal_number;
    free(block);
    MISUSE(free(block));
}

int main(void) {
    free(malloc(32));
    block = malloc(32);
    handle_on_small_stack(SIGUSR1, handle, ROOM);
    return raise(SIGUSR1);
}
