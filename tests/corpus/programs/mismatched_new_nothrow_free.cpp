/* cause: mismatched free | modes: full guard */
#include "corpus.h"

#include <new>

int main() {
    int *p = HIDDEN(new (std::nothrow) int(1)); /* ALLOCATED */
    if (FAULTY)
        free(p); /* BUG */
    else
        delete p;
    return 0;
}
