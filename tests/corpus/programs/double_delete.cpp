/* cause: double free | modes: default full hard guard */
#include "corpus.h"

int main() {
    int *p = HIDDEN(new int(1)); /* ALLOCATED */
    delete p;                    /* FREED */
    MISUSE(delete p);            /* BUG */
    return 0;
}
