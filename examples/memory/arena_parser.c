/* Parses nested lists of words into trees that live in an arena. The parser frees no node, and an
 * error needs no cleaning up: one reset frees the tree, the words and the error message.
 *
 *     $ arena_parser
 *     (copy (from here) (to there)): 5 words, depth 2, <number> bytes
 *     (copy (from here): the list that begins at byte 0 is not closed
 *     (delete everything): 2 words, depth 1, <number> bytes
 *     after the last reset: 0 bytes
 */
#include <mallow/arena.h>
#include <stdio.h>
#include <string.h>

struct node {
    struct node *next, *child;
    const char *word; /* NULL: a list */
};

struct parser {
    struct mallow_arena *arena;
    const char *text, *at;
    const char *error; /* NULL: none so far */
};

static struct node *parse_items(struct parser *parser);

static void parse_list(struct parser *parser, struct node *node) {
    int begin = (int)(parser->at++ - parser->text);
    node->child = parse_items(parser);
    if (parser->error != NULL) return;
    if (*parser->at == ')')
        parser->at++;
    else
        parser->error = mallow_arena_printf(parser->arena,
                                            "the list that begins at byte %d is not closed", begin);
}

static struct node *parse_items(struct parser *parser) {
    struct node *first = NULL, **end = &first;
    while (parser->error == NULL) {
        parser->at += strspn(parser->at, " ");
        if (*parser->at == '\0' || *parser->at == ')') break;
        struct node *node = mallow_arena_zalloc(parser->arena, sizeof *node);
        if (node == NULL) {
            parser->error = mallow_error_text(MALLOW_NO_MEMORY);
            break;
        }
        *end = node;
        end = &node->next;
        if (*parser->at == '(') {
            parse_list(parser, node);
        } else {
            size_t length = strcspn(parser->at, " ()");
            node->word = mallow_arena_strndup(parser->arena, parser->at, length);
            parser->at += length;
        }
    }
    return first;
}

static void measure(const struct node *node, int depth, int *words, int *depth_max) {
    for (; node != NULL; node = node->next) {
        if (node->word != NULL) ++*words;
        if (depth > *depth_max) *depth_max = depth;
        measure(node->child, depth + 1, words, depth_max);
    }
}

int main(void) {
    static const char *const texts[] = {"(copy (from here) (to there))", "(copy (from here)",
                                        "(delete everything)"};
    struct mallow_arena *arena = mallow_arena_create(NULL);
    if (arena == NULL) return 1;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct parser parser = {arena, texts[i], texts[i], NULL};
        struct node *tree = parse_items(&parser);
        int words = 0, depth_max = 0;
        measure(tree, 0, &words, &depth_max);
        if (parser.error != NULL)
            printf("%s: %s\n", texts[i], parser.error);
        else
            printf("%s: %d words, depth %d, %zu bytes\n", texts[i], words, depth_max,
                   (size_t)mallow_arena_usage(arena).used);
        mallow_arena_reset(arena);
    }
    printf("after the last reset: %zu bytes\n", (size_t)mallow_arena_usage(arena).used);
    mallow_arena_destroy(arena);
}
