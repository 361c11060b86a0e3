/* cause: definitely lost | modes: leak */
#include "corpus.h"

__attribute__((noinline)) static void lose(void) {
    char *p = HIDDEN((char *)malloc(100)); /* ALLOCATED */
    p[0] = 'p';
    if (!FAULTY) free(p);
}

int main(void) {
    pid_t child = fork();
    if (child == 0) {
        lose();
        forget();
        exit(0);
    }
    return end_of(child);
}
