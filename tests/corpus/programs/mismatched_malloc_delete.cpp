/* cause: mismatched free | modes: full guard */
#include "corpus.h"

int main() {
    int *p = HIDDEN(static_cast<int *>(malloc(sizeof(int)))); /* ALLOCATED */
    if (FAULTY)
        delete p; /* BUG */
    else
        free(p);
    return 0;
}
