/* cause: use after free | modes: full=visible hard=visible guard */
#include "corpus.h"

int main(void) {
    char *p = HIDDEN((char *)malloc(32)); /* ALLOCATED */
    memcpy(p, SECRET, sizeof SECRET);
    char *old = HIDDEN(p);
    p = HIDDEN((char *)realloc(p, 5000)); /* FREED */
    if (!FAULTY) old = p;
    char first = ((volatile char *)old)[0], second = old[16]; /* BUG:guard */
    free(p);
    if (!FAULTY) return 0;
    return first == SECRET[0] || second == SECRET[16] ? SAW_OLD_DATA : SAW_NOTHING;
}
