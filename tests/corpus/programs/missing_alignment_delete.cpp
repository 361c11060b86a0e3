/* cause: size mismatch or mismatched free | modes: full guard */
#include "corpus.h"

struct alignas(64) wide {
    char c[64];
};

int main() {
    wide *p = HIDDEN(new wide); /* ALLOCATED */
    if (FAULTY)
        ::operator delete(p); /* BUG */
    else
        delete p;
    return 0;
}
