/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

int main(void) {
    const char *name = HIDDEN((const char *)EITHER("a literal", strdup("a literal")));
    free((char *)name); /* BUG */
    return 0;
}
