/* cause: use after free | modes: full=visible,use-after-free hard=visible guard | variants: 32 4096
 * 100000 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    size_t size = number(argv[1]);
    char *p = HIDDEN((char *)malloc(size)); /* ALLOCATED */
    memcpy(p, SECRET, sizeof SECRET);
    MISUSE(free(p));                                      /* FREED */
    char first = ((volatile char *)p)[0], second = p[16]; /* BUG:guard */
    if (!FAULTY) free(p);
    if (!FAULTY) return 0;
    return first == SECRET[0] || second == SECRET[16] ? SAW_OLD_DATA : SAW_NOTHING;
}
