/* cause: size mismatch or mismatched free | modes: full guard | variants: size alignment | asan: no
 */
#include "corpus.h"
#include "sized.h"

int main(int argc, char **argv) {
    (void)argc;
    int alignment = strcmp(argv[1], "alignment") == 0;
    void *p = HIDDEN(aligned_alloc(64, 128)); /* ALLOCATED */
    free_with_alignment(p, EITHER(alignment ? 128 : 64, 64),
                        EITHER(alignment ? 128 : 192, 128)); /* BUG */
    return 0;
}
