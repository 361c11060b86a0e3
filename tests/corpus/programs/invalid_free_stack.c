/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

int main(void) {
    _Alignas(16) char array[64];
    char *p = HIDDEN((char *)array);
    MISUSE(free(p)); /* BUG */
    return 0;
}
