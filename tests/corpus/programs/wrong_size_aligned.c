/* cause: size mismatch or mismatched free | modes: full guard | variants: size alignment | asan: no
 */
#include "corpus.h"
#include "sized.h"

int main(int argc, char **argv) {
    (void)argc;
    size_t alignment = 64, size = 128;
    void *p = HIDDEN(aligned_alloc(alignment, size)); /* ALLOCATED */
    MISUSE(strcmp(argv[1], "size") == 0 ? (size = 192) : (alignment = 128));
    free_with_alignment(p, alignment, size); /* BUG */
    return 0;
}
