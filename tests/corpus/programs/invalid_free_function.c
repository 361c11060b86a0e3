/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

int main(void) {
    void *p = HIDDEN((void *)main);
    MISUSE(free(p)); /* BUG */
    return 0;
}
