/* Parses expressions into trees, and evaluates them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef AFTER
#    include <mallow/arena.h>
static struct mallow_arena *arena;
#endif

enum { EXPRESSIONS = 1500, TERMS = 1000 };

struct node {
    struct node *left, *right;
    long value;
    char kind;
};

static struct node *new_node(char kind, long value, struct node *left, struct node *right) {
#ifdef AFTER
    struct node *node = mallow_arena_alloc(arena, sizeof *node);
#else
    struct node *node = malloc(sizeof *node);
#endif
    if (node == NULL) abort();
    *node = (struct node){left, right, value, kind};
    return node;
}

static struct node *parse_number(const char **at) {
    long value = 0;
    while (isdigit((unsigned char)**at)) value = value * 10 + (*(*at)++ - '0');
    return new_node('n', value, NULL, NULL);
}

static struct node *parse(const char **at) {
    struct node *node = parse_number(at);
    while (**at == '+' || **at == '-') {
        char kind = *(*at)++;
        node = new_node(kind, 0, node, parse_number(at));
    }
    return node;
}

static long evaluate(const struct node *node) {
    if (node->kind == 'n') return node->value;
    long left = evaluate(node->left), right = evaluate(node->right);
    return node->kind == '+' ? left + right : left - right;
}

#ifndef AFTER
static void free_nodes(struct node *node) {
    if (node == NULL) return;
    free_nodes(node->left);
    free_nodes(node->right);
    free(node);
}
#endif

int main(void) {
    static char text[TERMS * 8];
    long sum = 0;
    size_t length = 0;
    for (int i = 0; i < TERMS; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%d",
                                   i == 0       ? ""
                                   : i % 2 == 0 ? "+"
                                                : "-",
                                   i * 7 % 1000);
#ifdef AFTER
    arena = mallow_arena_create(NULL);
#endif
    for (int i = 0; i < EXPRESSIONS; i++) {
        const char *at = text;
        struct node *tree = parse(&at);
        sum += evaluate(tree);
#ifdef AFTER
        mallow_arena_reset(arena);
#else
        free_nodes(tree);
#endif
    }
    printf("%ld\n", sum);
    return 0;
}
