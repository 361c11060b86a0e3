/* cause: invalid free or mismatched free | modes: default full hard guard */
#include "corpus.h"

struct object {
    int *p = nullptr;
    ~object() { delete p; }
};

/* An array of objects with destructors begins with its count: delete frees the wrong address. */
int main() {
    object *array = HIDDEN(new object[4]); /* ALLOCATED */
    if (FAULTY)
        delete array; /* BUG */
    else
        delete[] array;
    return 0;
}
