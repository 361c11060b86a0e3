/* cause: definitely lost | modes: leak */
#include "corpus.h"

__attribute__((noinline)) static int work(int fails) {
    char *p = HIDDEN((char *)malloc(300)); /* ALLOCATED */
    p[0] = 'p';
    if (fails) {
        if (!FAULTY) free(p);
        return -1;
    }
    free(p);
    return 0;
}

int main(void) {
    int status = work(1);
    forget();
    return status == 0;
}
