/* expect: mallow: double free of 0x */
/* Frees a block twice in a signal handler on a small stack: the message is formatted with little
 * stack. */
#include "alternate_stack.h"
#include "twin.h"

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
