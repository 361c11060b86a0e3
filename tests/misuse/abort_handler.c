/* expect: mallow: double free of 0x */
/* The program's own handler for SIGABRT jumps out of the failed free, and the heap still works. The
 * program ends only when it calls abort itself. */
#include "twin.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>

static sigjmp_buf recovery;

static void handle(int signal_number) { siglongjmp(recovery, signal_number); }

static void work(void) {
    for (size_t size = 1; size < 300000; size += size / 2 + 1) {
        char *volatile p = malloc(size);
        if (p == NULL) exit(1);
        memset(p, 1, size);
        free(p);
    }
}

int main(void) {
    struct sigaction action = {.sa_handler = handle};
    void *volatile p = malloc(32);
    sigaction(SIGABRT, &action, NULL);
    free(p);
    if (sigsetjmp(recovery, 1) == 0) {
        MISUSE(free(p));
        return 0;
    }
    work();
    signal(SIGABRT, SIG_DFL);
    abort();
}
