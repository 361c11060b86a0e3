/* cause: size mismatch or mismatched free | modes: full guard */
#include "corpus.h"

#include <new>

int main() {
    void *p = HIDDEN(::operator new(100, std::align_val_t(64))); /* ALLOCATED */
    ::operator delete(p, std::align_val_t(EITHER(128, 64)));     /* BUG */
    return 0;
}
