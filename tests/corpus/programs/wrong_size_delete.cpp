/* cause: size mismatch | modes: full hard guard */
#include "corpus.h"

struct base {
    long a = 1;
};
struct derived : base {
    long b[10] = {};
};

/* Without a virtual destructor, operator delete gets the size of the base. */
int main() {
    derived *p = HIDDEN(new derived); /* ALLOCATED */
    if (FAULTY) {
        delete HIDDEN(static_cast<base *>(p)); /* BUG */
        __asm__ volatile("# prevents that the compiler merges the two calls");
    } else {
        delete p;
        __asm__ volatile("");
    }
    return 0;
}
