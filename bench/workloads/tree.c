/* Complete binary trees, as in compilers and interpreters: one long-lived tree, many short-lived
 * ones. */
#include "bench.h"
#include "workloads.h"

struct node {
    struct node *left, *right;
    uint64_t value;
};

static struct node *build(unsigned depth) {
    struct node *node = heap_alloc(sizeof *node);
    node->value = depth;
    node->left = depth ? build(depth - 1) : NULL;
    node->right = depth ? build(depth - 1) : NULL;
    return node;
}

static uint64_t sum(const struct node *node) {
    return node ? node->value + sum(node->left) + sum(node->right) : 0;
}

static void tear_down(struct node *node) {
    if (!node) return;
    tear_down(node->left);
    tear_down(node->right);
    heap_free(node);
}

void tree(size_t steps) {
    struct node *lasting = build(17);
    for (unsigned i = 0; i < steps; i++) {
        struct node *passing = build(13 + i % 5);
        if (!sum(passing)) bench_fail("a tree lost its values");
        tear_down(passing);
    }
    tear_down(lasting);
}
