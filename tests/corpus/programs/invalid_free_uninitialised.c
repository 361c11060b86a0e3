/* cause: invalid free | modes: full guard */
#include "corpus.h"

struct pair {
    char *first, *second;
};

/* A member that nobody set: the fill of fresh memory is no block's address. */
int main(void) {
    struct pair *pair = HIDDEN((struct pair *)malloc(sizeof *pair));
    pair->first = malloc(10);
    if (!FAULTY) pair->second = NULL;
    free(pair->first);
    free(pair->second); /* BUG */
    free(pair);
    return 0;
}
