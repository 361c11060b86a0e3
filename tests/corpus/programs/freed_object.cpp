/* cause: use after free | modes: full guard */
#include "corpus.h"

struct counter {
    long before[2] = {0, 0};
    long count = 0;
};

int main() {
    counter *p = HIDDEN(new counter); /* ALLOCATED */
    MISUSE(delete p);                 /* FREED */
    p->count++;                       /* BUG:guard */
    if (!FAULTY) delete p;
    return 0;
}
