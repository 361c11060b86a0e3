/* cause: mismatched free | modes: full guard */
#include "corpus.h"

int main() {
    long *p = HIDDEN(static_cast<long *>(calloc(1, sizeof(long)))); /* ALLOCATED */
    if (FAULTY)
        delete p; /* BUG */
    else
        free(p);
    return 0;
}
