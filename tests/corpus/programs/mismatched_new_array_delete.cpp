/* cause: mismatched free | modes: full guard */
#include "corpus.h"

int main() {
    int *p = HIDDEN(new int[10]); /* ALLOCATED */
    if (FAULTY)
        delete p; /* BUG */
    else
        delete[] p;
    return 0;
}
