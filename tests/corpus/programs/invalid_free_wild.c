/* cause: invalid free | modes: default full hard guard | variants: 8 4096 0xffffffffffffffff
 * 0x8000000000000000 0xdeadbeef 0xdeadbeefdeadbee0 0x0000800000000000 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    void *wild = (void *)number(argv[1]);
    MISUSE(free(wild)); /* BUG */
    return 0;
}
