/* expect: mallow: double free of 0x */
#include "twin.h"

/* One of two dead blocks is handed out again; the other one is freed a second time. */
int main(void) {
    void *volatile first = malloc(32);
    void *volatile second = malloc(32);
    free(first);
    free(second);
    void *volatile reused = malloc(32);
    MISUSE(free(reused == first ? second : first));
    free(reused);
    return 0;
}
