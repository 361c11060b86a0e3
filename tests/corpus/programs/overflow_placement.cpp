/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

#include <new>

struct small {
    long a[3];
};
struct large {
    long a[4] = {1, 2, 3, 4};
};

/* Constructs an object in memory for a smaller one. */
int main() {
    void *p = HIDDEN(::operator new(EITHER(sizeof(small), sizeof(large)))); /* ALLOCATED */
    new (p) large;
    ::operator delete(p); /* FOUND:full,hard */
    return 0;
}
