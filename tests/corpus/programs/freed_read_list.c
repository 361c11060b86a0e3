/* cause: use after free | modes: guard */
#include "corpus.h"

struct node {
    struct node *next;
};

/* Reads a node's next pointer after the node is freed. */
int main(void) {
    struct node *head = NULL;
    for (int i = 0; i < 3; i++) {
        struct node *node = HIDDEN((struct node *)malloc(sizeof *node)); /* ALLOCATED */
        node->next = head;
        head = node;
    }
    for (struct node *node = head, *next; node != NULL; node = next) {
        if (!FAULTY) next = node->next;
        free(node);                    /* FREED */
        if (FAULTY) next = node->next; /* BUG */
    }
    return 0;
}
