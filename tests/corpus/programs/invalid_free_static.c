/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

static _Alignas(16) char data[64] = "data";
static _Alignas(16) char zero[64];

int main(void) {
    char *p = HIDDEN(data[0] == 'd' ? (char *)data : (char *)zero);
    MISUSE(free(p)); /* BUG */
    return 0;
}
