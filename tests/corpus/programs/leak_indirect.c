/* cause: indirectly lost | modes: leak | asan: no */
#include "corpus.h"

struct node {
    struct node *next;
    char *name;
};

/* The head of a list is lost, and so are the other nodes, indirectly. */
__attribute__((noinline)) static struct node *list(int length) {
    struct node *head = NULL;
    for (int i = 0; i < length; i++) {
        struct node *node = HIDDEN((struct node *)malloc(sizeof *node));
        node->name = NULL;
        node->next = head;
        head = node;
    }
    return head;
}

__attribute__((noinline)) static void work(void) {
    struct node *head = list(10);
    while (!FAULTY && head != NULL) {
        struct node *next = head->next;
        free(head);
        head = next;
    }
}

int main(void) {
    work();
    forget();
    return 0;
}
