/* cause: size mismatch | modes: full hard guard */
#include "corpus.h"

struct base {
    long a = 1;
};
struct derived : base {
    long b[10] = {};
};

/* Without a virtual destructor the base's size is what operator delete is told. */
int main() {
    derived *p = HIDDEN(new derived); /* ALLOCATED */
    if (FAULTY) {
        delete HIDDEN(static_cast<base *>(p)); /* BUG */
        __asm__ volatile("# a compiler must not make one call of the two");
    } else {
        delete p;
        __asm__ volatile("");
    }
    return 0;
}
