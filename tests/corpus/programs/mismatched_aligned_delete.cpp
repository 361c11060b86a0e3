/* cause: mismatched free | modes: full guard */
#include "corpus.h"

int main() {
    int *p = HIDDEN(static_cast<int *>(aligned_alloc(64, 128))); /* ALLOCATED */
    if (FAULTY)
        ::operator delete(p); /* BUG */
    else
        free(p);
    return 0;
}
