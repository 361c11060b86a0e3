/* A parent and its child that allocate in the same function, for trace_profile.py. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile kept[4];

__attribute__((noinline)) static void hold(unsigned index, size_t size) {
    kept[index] = malloc(size);
    __asm__ volatile("");
}

int main(void) {
    int status;
    hold(0, 1000);
    hold(1, 2000);
    pid_t child = fork();
    if (child == 0) {
        free(kept[0]);
        hold(2, 700);
        return 0;
    }
    return child < 0 || waitpid(child, &status, 0) != child || status != 0;
}
