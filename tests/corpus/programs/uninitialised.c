/* cause: visible | modes: full hard guard | variants: 32 1000 20000 200000 | asan: no */
#include "corpus.h"

static volatile char first, second;

/* Reads new memory where a freed block contained a secret. */
int main(int argc, char **argv) {
    (void)argc;
    size_t size = number(argv[1]);
    char *p = HIDDEN((char *)malloc(size));
    memcpy(p, SECRET, sizeof SECRET);
    free(p);
    p = HIDDEN((char *)malloc(size));
    if (!FAULTY) memset(p, 0, size);
    first = p[0];
    second = p[16];
    free(p);
    if (!FAULTY) return 0;
    return first == SECRET[0] || second == SECRET[16] ? SAW_OLD_DATA : SAW_NOTHING;
}
