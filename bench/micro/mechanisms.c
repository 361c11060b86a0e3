/* Times a parse with malloc and with arenas, and single blocks with malloc and in a scratch scope.
 * The argument is the number of rounds, of which the fastest counts. Prints "NAME NANOSECONDS"
 * lines. */
#include <apr_pools.h>
#include <apr_strings.h>
#include <obstack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <time.h>

#include <mallow/arena.h>
#include <mallow/scratch.h>

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- a parse: nested lists of words become a tree ---- */

enum { TEXT_BYTES = 1 << 20, DEPTH_MAX = 30 };
static char text[TEXT_BYTES + 1];

static unsigned below(unsigned limit) {
    static unsigned seed = 1;
    seed = seed * 1103515245 + 12345;
    return (seed >> 16) % limit;
}

static size_t write_word(size_t at) {
    for (unsigned n = 1 + below(12); n > 0; n--) text[at++] = (char)('a' + below(26));
    text[at++] = ' ';
    return at;
}

static void write_text(void) {
    size_t at = 0;
    int depth = 0;
    while (at < TEXT_BYTES - 64) {
        unsigned kind = below(10);
        if (kind == 0 && depth < DEPTH_MAX)
            text[at++] = '(', depth++;
        else if (kind == 1 && depth > 0)
            text[at++] = ')', depth--;
        else
            at = write_word(at);
    }
    while (depth-- > 0) text[at++] = ')';
}

struct node {
    struct node *next, *child;
    char *word;
};

/* Defines a parser that gets nodes and copies of words from ALLOC(from, bytes) and
 * COPY(from, text, bytes). */
#define PARSER(name, ALLOC, COPY)                           \
    static struct node *name(void *from, const char **at) { \
        struct node *first = NULL, **end = &first;          \
        while (**at != '\0' && **at != ')') {               \
            if (**at == ' ') {                              \
                ++*at;                                      \
                continue;                                   \
            }                                               \
            struct node *node = ALLOC(from, sizeof *node);  \
            *node = (struct node){NULL, NULL, NULL};        \
            *end = node;                                    \
            end = &node->next;                              \
            if (**at == '(') {                              \
                ++*at;                                      \
                node->child = name(from, at);               \
                if (**at == ')') ++*at;                     \
            } else {                                        \
                size_t bytes = strcspn(*at, " ()");         \
                node->word = COPY(from, *at, bytes);        \
                *at += bytes;                               \
            }                                               \
        }                                                   \
        return first;                                       \
    }

#define MALLOC(from, bytes) ((void)(from), malloc(bytes))
#define MALLOC_COPY(from, word, bytes) ((void)(from), strndup(word, bytes))
#define OBSTACK(from, bytes) obstack_alloc((struct obstack *)(from), bytes)
#define OBSTACK_COPY(from, word, bytes) obstack_copy0((struct obstack *)(from), word, bytes)
PARSER(parse_malloc, MALLOC, MALLOC_COPY)
PARSER(parse_arena, mallow_arena_alloc, mallow_arena_strndup)
PARSER(parse_obstack, OBSTACK, OBSTACK_COPY)
PARSER(parse_talloc, talloc_size, talloc_strndup)
PARSER(parse_apr, apr_palloc, apr_pstrmemdup)

static void free_tree(struct node *node) {
    while (node != NULL) {
        struct node *next = node->next;
        free_tree(node->child);
        free(node->word);
        free(node);
        node = next;
    }
}

static void with_malloc(void *unused, const char *at) { free_tree(parse_malloc(unused, &at)); }

static void with_arena(void *arena, const char *at) {
    parse_arena(arena, &at);
    mallow_arena_reset(arena);
}

static void with_obstack(void *obstack, const char *at) {
    void *first = obstack_alloc((struct obstack *)obstack, 0);
    parse_obstack(obstack, &at);
    obstack_free((struct obstack *)obstack, first);
}

static void with_talloc(void *unused, const char *at) {
    void *context = talloc_new(unused);
    parse_talloc(context, &at);
    talloc_free(context);
}

static void with_apr(void *pool, const char *at) {
    parse_apr(pool, &at);
    apr_pool_clear(pool);
}

static void time_parses(int rounds) {
    struct obstack obstack;
    apr_pool_t *pool;
    obstack_init(&obstack);
    apr_initialize();
    apr_pool_create(&pool, NULL);
    struct {
        const char *name;
        void (*parse)(void *from, const char *at);
        void *from;
        double best;
    } ways[] = {
        {"parse-malloc", with_malloc, NULL, 1e18},
        {"parse-arena", with_arena, mallow_arena_create(NULL), 1e18},
        {"parse-obstack", with_obstack, &obstack, 1e18},
        {"parse-talloc", with_talloc, NULL, 1e18},
        {"parse-apr", with_apr, pool, 1e18},
    };
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
            double before = now();
            ways[i].parse(ways[i].from, text);
            double taken = now() - before;
            if (taken < ways[i].best) ways[i].best = taken;
        }
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        printf("%s %.0f\n", ways[i].name, ways[i].best);
}

/* ---- a block of 64 bytes ---- */

#define NOINLINE __attribute__((noinline))

static NOINLINE void use(void *p) { __asm__ volatile("" ::"r"(p) : "memory"); }

static NOINLINE void one_malloc(void) {
    void *p = malloc(64);
    use(p);
    free(p);
}

static NOINLINE void one_scratch(void) {
    MALLOW_SCRATCH(scratch);
    use(mallow_scratch_alloc(&scratch, 64));
}

/* These call the same functions, but allocate nothing. */
static NOINLINE void one_local(void) {
    char block[64];
    use(block);
}

static NOINLINE void eight_local(void) {
    char block[64];
    for (int i = 0; i < 8; i++) use(block);
}

static NOINLINE void eight_scratch(void) {
    MALLOW_SCRATCH(scratch);
    for (int i = 0; i < 8; i++) use(mallow_scratch_alloc(&scratch, 64));
}

static void time_blocks(int rounds) {
    enum { TIMES = 200000 };
    struct {
        const char *name;
        void (*run)(void);
        double blocks, best;
        int without; /* index of the same work without an allocation, or of itself */
    } ways[] = {
        {"local", one_local, 1, 1e18, 0},
        {"local-of-8", eight_local, 8, 1e18, 1},
        {"block-malloc", one_malloc, 1, 1e18, 0},
        {"block-scratch", one_scratch, 1, 1e18, 0},
        {"block-scratch-of-8", eight_scratch, 8, 1e18, 1},
    };
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
            double before = now();
            for (int n = 0; n < TIMES; n++) ways[i].run();
            double taken = (now() - before) / TIMES / ways[i].blocks;
            if (taken < ways[i].best) ways[i].best = taken;
        }
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        printf("%s %.2f\n", ways[i].name, ways[i].best - ways[ways[i].without].best);
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 40;
    write_text();
    time_parses(rounds);
    time_blocks(rounds);
}
