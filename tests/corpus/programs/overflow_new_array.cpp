/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

int main() {
    long *p = HIDDEN(new long[10]);                    /* ALLOCATED */
    for (int i = 0; i < EITHER(11, 10); i++) p[i] = i; /* BUG */
    delete[] p;                                        /* FOUND:full,hard */
    return 0;
}
