/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

struct first {
    long a = 1;
};
struct second {
    long b = 2;
};
struct both : first, second {
    long c = 3;
};

/* Deletes an object through a base that is not at its start and has no virtual destructor. */
int main() {
    both *p = HIDDEN(new both); /* ALLOCATED */
    second *base = HIDDEN(static_cast<second *>(p));
    if (FAULTY)
        ::operator delete(base); /* BUG */
    else
        delete p;
    return 0;
}
