/* A linked list of nodes with payloads: built, every third node removed, extended, torn down. */
#include "bench.h"
#include "workloads.h"

enum { NODES = 100000 };

struct node {
    struct node *next;
    void *payload;
};

static struct node **append(struct node **tail, size_t count, struct rng *rng) {
    for (; count > 0; count--) {
        struct node *node = heap_alloc(sizeof *node);
        node->payload = block_new(rng_size(rng));
        node->next = NULL;
        *tail = node;
        tail = &node->next;
    }
    return tail;
}

static void drop(struct node *node) {
    block_drop(node->payload);
    heap_free(node);
}

/* Returns the link to which the next node must be appended. */
static struct node **remove_every_third(struct node **link) {
    for (size_t i = 0; *link; i++) {
        struct node *node = *link;
        if (i % 3) {
            link = &node->next;
        } else {
            *link = node->next;
            drop(node);
        }
    }
    return link;
}

void list(size_t steps) {
    struct rng rng = {3};
    for (; steps > 0; steps--) {
        struct node *head = NULL;
        append(&head, NODES, &rng);
        append(remove_every_third(&head), NODES / 3, &rng);
        while (head) {
            struct node *node = head;
            head = node->next;
            drop(node);
        }
    }
}
