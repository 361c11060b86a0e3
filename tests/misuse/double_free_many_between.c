/* expect: mallow: double free of 0x */
/* Frees a block twice, with frees of 64 other blocks in between. */
#include "twin.h"

int main(void) {
    void *volatile p = malloc(32);
    void *volatile others[64];
    for (int i = 0; i < 64; i++) others[i] = malloc(32);
    free(p);
    for (int i = 0; i < 64; i++) free(others[i]);
    MISUSE(free(p));
    return 0;
}
