/* An array of a varying number of elements, whose product nobody checks. */
#include "program.h"

struct element {
    long a, b, c;
};

static NOINLINE struct element *planted(struct element *elements, size_t count) {
    elements = realloc(elements, count * sizeof *elements);
    if (elements == NULL) abort();
    return elements;
}

int main(void) {
    struct element *elements = NULL;
    for (size_t i = 0; i < 30; i++) {
        elements = planted(elements, 1 + i * 37 % 30);
        use(elements, sizeof *elements);
    }
    return 0;
}
