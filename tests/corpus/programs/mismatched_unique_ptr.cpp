/* cause: mismatched free | modes: full guard */
#include "corpus.h"

#include <memory>

/* A unique_ptr to an element owns an array. */
int main() {
    int *p = HIDDEN(new int[10]); /* ALLOCATED */
    if (FAULTY)
        std::unique_ptr<int> owner(p);
    else
        std::unique_ptr<int[]> owner(p);
    return 0;
}
