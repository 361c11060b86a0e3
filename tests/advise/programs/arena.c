/* Trees with names, of which each is freed as a whole. */
#include "program.h"

struct node {
    struct node *left, *right;
    char *name;
};

static NOINLINE char *planted_name(int depth) {
    char *name = malloc(8 + (size_t)depth);
    use(name, 8);
    return name;
}

static NOINLINE struct node *planted(int depth) {
    struct node *node = malloc(sizeof *node);
    *node = (struct node){.name = planted_name(depth)};
    if (depth > 0) node->left = planted(depth - 1);
    if (depth > 0) node->right = planted(depth - 1);
    return node;
}

static void drop(struct node *node) {
    if (node == NULL) return;
    drop(node->left);
    drop(node->right);
    free(node->name);
    free(node);
}

int main(void) {
    for (int i = 0; i < 100; i++) drop(planted(9));
    return 0;
}
