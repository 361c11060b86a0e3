/* cause: size mismatch | modes: full hard guard */
#include "corpus.h"

int main() {
    void *p = HIDDEN(::operator new[](100));         /* ALLOCATED */
    ::operator delete[](p, size_t(EITHER(96, 100))); /* BUG */
    return 0;
}
