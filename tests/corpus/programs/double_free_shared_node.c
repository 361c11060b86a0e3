/* cause: double free | modes: default full hard guard */
#include "corpus.h"

struct node {
    struct node *next;
    char *name;
};

static void destroy(struct node *node) {
    free(node->name); /* BUG */ /* FREED */
    free(node);
}

/* Two nodes share one name. */
int main(void) {
    struct node *first = HIDDEN((struct node *)malloc(sizeof *first));
    struct node *second = HIDDEN((struct node *)malloc(sizeof *second));
    first->name = HIDDEN((char *)malloc(100)); /* ALLOCATED */
    second->name = EITHER(first->name, HIDDEN((char *)malloc(100)));
    destroy(first);
    destroy(second);
    return 0;
}
