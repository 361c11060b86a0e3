/*
 * A server in which leaks.py looks for leaks. Some threads keep blocks in every place where a
 * program may have a pointer, others allocate and free all the time, and with "lost" some blocks
 * are lost:
 *     leaking [lost] [MODULE]      MODULE: a shared object with a thread-local variable
 * Prints "ready PID" and waits for the end of standard input. Kept blocks contain "kept" and have
 * 777 bytes or more; lost blocks contain how they were lost.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WORKERS = 3, NODES = 200, KEPT = 777, STACK = 256 * 1024, KEYS = 100 };

#define NOINLINE __attribute__((noinline))

static _Atomic int stopping;
static _Atomic long served;

static void require(int well, const char *what) {
    if (well) return;
    perror(what);
    _exit(EXIT_FAILURE);
}

NOINLINE static void *block(size_t size, const char *content) {
    char *p = malloc(size);
    require(p != NULL, "malloc");
    memset(p, 0, size);
    memcpy(p, content, strlen(content));
    /* A compiler could otherwise see that the block is lost, and leave the writes out. */
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

static void *kept(void) { return block(KEPT, "kept"); }

/* Overwrites pointers in the frames of functions that have returned. */
NOINLINE static void wipe_stack(void) {
    char stack[16384];
    explicit_bzero(stack, sizeof stack);
}

/* ---- places of pointers ---- */

/* Not static: the compiler would leave out variables that are never read. */
void *in_data[2] = {(void *)1, NULL}, *in_bss[4];
__thread void *in_static_tls;
static const char *module;

static void keep_in_module(void) {
    void *library = module == NULL ? NULL : dlopen(module, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) return;
    require(library != NULL, "dlopen");
    void (*keep)(void *) = (void (*)(void *))dlsym(library, "keep_in_thread");
    require(keep != NULL, "dlsym");
    keep(kept());
}

static void keep_in_keys(void) {
    for (int i = 0; i < KEYS; i += KEYS - 1) {
        static pthread_key_t keys[KEYS];
        pthread_key_create(&keys[i], NULL);
        pthread_setspecific(keys[i], kept());
    }
}

static void wait_for_end(int pipe_end) {
    char byte;
    while (read(pipe_end, &byte, 1) > 0) continue;
}

static int pipe_ends[2];

/* Keeps blocks on the stack, in thread-local variables, and in a block that such a variable points
 * to. */
static void *keep_and_sleep(void *blocked) {
    void *volatile on_stack = kept();
    sigset_t all;
    sigfillset(&all);
    if (blocked != NULL) pthread_sigmask(SIG_BLOCK, &all, NULL);
    in_static_tls = kept();
    *(void **)(in_static_tls + 8) = kept();
    keep_in_module();
    keep_in_keys();
    wipe_stack();
    wait_for_end(pipe_ends[0]);
    return on_stack;
}

/* Keeps a block in one register and nowhere else. */
static void *keep_in_register(void *unused) {
    (void)unused;
#if defined(__x86_64__)
    register void *only __asm__("r13") = kept();
    wipe_stack();
    __asm__ volatile(
        "1: pause\n"
        "   cmpl $0, %1\n"
        "   je 1b\n"
        : "+r"(only)
        : "m"(stopping)
        : "memory");
    free(only);
#endif
    return NULL;
}

static void *return_kept(void *unused) {
    (void)unused;
    return kept();
}

/* Keeps pointers past pages that cannot be read: past the end of a file, and inside a block. */
static void keep_behind_holes(void) {
    enum { PAGE = 4096, PAGES = 64, HOLE = 10 };
    FILE *file = tmpfile();
    require(file != NULL && ftruncate(fileno(file), PAGES * PAGE) == 0, "tmpfile");
    char *mapped = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(file), 0);
    require(mapped != MAP_FAILED, "mmap");
    /* Only pages that the process has written still exist beyond the new end of the file. */
    require(ftruncate(fileno(file), PAGE) == 0, "ftruncate");
    *(void **)mapped = kept();
    char *pages = in_bss[3] = block(PAGES * PAGE, "kept");
    pages += PAGE - (size_t)pages % PAGE;
    *(void **)(pages + 2 * HOLE * PAGE) = kept();
    require(mprotect(pages + PAGE, HOLE * PAGE, PROT_NONE) == 0, "mprotect");
}

static void keep_all(void) {
    static pthread_t ended;
    void **page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(page != MAP_FAILED, "mmap");
    page[1000] = kept();
    in_data[1] = block(5 << 20, "kept");
    in_bss[0] = block(100000, "kept");
    /* The last words of the two blocks are pointers, too. */
    *(void **)((char *)in_data[1] + (5 << 20) - 8) = kept();
    *(void **)((char *)in_bss[0] + 100000 - 8) = kept();
    in_static_tls = kept();
    keep_behind_holes();
    keep_in_module();
    /* The result of an ended thread that has not been joined. */
    pthread_create(&ended, NULL, return_kept, NULL);
}

static void start(void *(*run)(void *), void *argument, void *stack) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack != NULL) pthread_attr_setstack(&attributes, stack, STACK);
    require(pthread_create(&thread, &attributes, run, argument) == 0, "pthread_create");
    pthread_attr_destroy(&attributes);
}

/* ---- lost blocks ---- */

struct node {
    struct node *next, *other;
    char content[24];
};

static struct node *node(const char *content, struct node *next) {
    struct node *n = block(sizeof *n, "");
    n->next = next;
    strcpy(n->content, content);
    return n;
}

NOINLINE static void *lose(void *unused) {
    struct node *ring = node("ring", NULL);
    block(150, "lost slot");
    block(3000, "lost middle");
    block(70000, "lost run");
    block(3 << 20, "lost mapping");
    node("list", node("list", node("list", NULL)))->other = block(200000, "led");
    ring->next = node("ring", node("ring", ring));
    in_bss[1] = (char *)block(500, "inside") + 100;
    return unused;
}

static void *lose_and_wipe(void *unused) {
    lose(NULL);
    wipe_stack();
    return unused;
}

/* ---- the load ---- */

static size_t random_size(unsigned *seed) {
    unsigned kind = (unsigned)rand_r(seed) % 100;
    unsigned most = kind < 80 ? 300 : kind < 97 ? 20000 : kind < 99 ? 100000 : 2000000;
    return sizeof(struct node) + (unsigned)rand_r(seed) % most;
}

/* Replaces, moves and resizes a random node of the list. */
static void serve_one(struct node **list, unsigned *seed) {
    struct node **at = list;
    for (unsigned i = (unsigned)rand_r(seed) % NODES; i > 0 && (*at)->next != NULL; i--)
        at = &(*at)->next;
    struct node *old = *at, *new = malloc(random_size(seed));
    require(new != NULL, "malloc");
    new->next = old->next;
    new->other = calloc(1, random_size(seed));
    require(new->other != NULL, "calloc");
    *at = new;
    free(old->other);
    free(old);
    new->other = realloc(new->other, random_size(seed));
    served++;
}

static void *serve(void *number) {
    struct node *list = NULL;
    unsigned seed = (unsigned)(size_t)number;
    for (int i = 0; i < NODES; i++) list = node("load", list);
    while (!stopping) serve_one(&list, &seed);
    for (int i = 0; i < NODES; i++) require(list != NULL, "a node is gone"), list = list->next;
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread;
    int losing = argc > 1 && strcmp(argv[1], "lost") == 0;
    module = argc > 1 + losing ? argv[1 + losing] : NULL;
    require(pipe(pipe_ends) == 0, "pipe");
    keep_all();
    if (losing && pthread_create(&thread, NULL, lose_and_wipe, NULL) == 0)
        pthread_join(thread, NULL);
    start(keep_and_sleep, NULL, NULL);
    start(keep_and_sleep, &stopping, NULL);
    start(keep_in_register, NULL, NULL);
    start(keep_and_sleep, NULL, block(STACK, "stack"));
    start(keep_and_sleep, NULL, in_bss[2] = block(STACK, "stack"));
    for (size_t i = 1; i <= WORKERS; i++) start(serve, (void *)i, NULL);
    while (served < 1000) usleep(1000);
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    wait_for_end(STDIN_FILENO);
    stopping = 1;
    printf("served %ld\n", served);
    fflush(stdout);
    _exit(EXIT_SUCCESS);
}
