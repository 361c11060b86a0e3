/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    MISUSE(free(argv[0])); /* BUG */
    return 0;
}
