/* expect: mallow: double free of 0x */
#include "twin.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child of a fork frees a block of its parent's twice, and the parent dies as its child did. */
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
