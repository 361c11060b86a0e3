/* cause: mismatched free | modes: full guard */
#include "corpus.h"

#include <vector>

/* C code frees the memory of a container. */
int main() {
    auto *v = new std::vector<int>(10);
    int *data = HIDDEN(v->data());
    if (FAULTY)
        free(data); /* BUG */
    else
        delete v;
    return 0;
}
