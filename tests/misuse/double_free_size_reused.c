/* expect: mallow: double free of 0x */
/* Two blocks are freed and one of them is handed out again. The other one is freed a second
 * time. */
#include "twin.h"

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
