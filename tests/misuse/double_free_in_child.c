/* expect: mallow: double free of 0x */
/* A forked child frees a block of its parent twice. The parent ends by the same signal as the
 * child. */
#include "twin.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    void *volatile p = malloc(32);
    pid_t child = fork();
    if (child == 0) {
        free(p);
        MISUSE(free(p));
        _exit(0);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child) return 1;
    if (WIFSIGNALED(status)) kill(getpid(), WTERMSIG(status));
    free(p);
    return WEXITSTATUS(status);
}
