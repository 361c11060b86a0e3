/* cause: definitely lost or indirectly lost | modes: leak | asan: no */
#include "corpus.h"

struct node {
    struct node *other;
    char payload[40];
};

__attribute__((noinline)) static void work(void) {
    struct node *a = HIDDEN((struct node *)malloc(sizeof *a));
    struct node *b = HIDDEN((struct node *)malloc(sizeof *b));
    a->other = b;
    b->other = a;
    if (!FAULTY) free(a->other);
    if (!FAULTY) free(a);
}

int main(void) {
    work();
    forget();
    return 0;
}
