/* cause: invalid free | modes: full guard */
#include "corpus.h"

struct pair {
    char *first, *second;
};

/* Frees a member that was never set: the fill pattern of new memory is not the address of a block.
 * */
int main(void) {
    struct pair *pair = HIDDEN((struct pair *)malloc(sizeof *pair));
    pair->first = malloc(10);
    if (!FAULTY) pair->second = NULL;
    free(pair->first);
    free(pair->second); /* BUG */
    free(pair);
    return 0;
}
