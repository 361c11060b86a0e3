/* cause: mismatched free | modes: full guard */
#include "corpus.h"

int main() {
    char *p = HIDDEN(strdup("a string")); /* ALLOCATED */
    if (FAULTY)
        delete[] p; /* BUG */
    else
        free(p);
    return 0;
}
