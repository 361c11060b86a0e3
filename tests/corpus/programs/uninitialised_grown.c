/* cause: visible | modes: full hard guard | asan: no */
#include "corpus.h"

/* Reads the new part of a block that realloc has grown, where another block was before. */
int main(void) {
    char *old = HIDDEN((char *)malloc(2000));
    memset(old, 's', 2000);
    free(old);
    char *p = HIDDEN((char *)malloc(100));
    memset(p, 'x', 100);
    p = HIDDEN((char *)realloc(p, 2000));
    if (!FAULTY) memset(p + 100, 0, 1900);
    int seen = 0;
    for (int i = 100; i < 2000; i++) seen |= p[i] == 's';
    free(p);
    if (!FAULTY) return seen;
    return seen ? SAW_OLD_DATA : SAW_NOTHING;
}
