/* cause: still reachable | modes: leak | exit: 0 | asan: no */
#include "corpus.h"

static char *table;

int main(void) {
    table = HIDDEN((char *)malloc(100)); /* ALLOCATED */
    table[0] = 't';
    if (!FAULTY) free(table);
    return 0;
}
