/* cause: mismatched free | modes: full guard */
#include "corpus.h"

int main() {
    int *p = HIDDEN(static_cast<int *>(malloc(40))); /* ALLOCATED */
    if (FAULTY)
        delete[] p; /* BUG */
    else
        free(p);
    return 0;
}
