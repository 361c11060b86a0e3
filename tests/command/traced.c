/* Runs the workload that its argument names, traced by mtrace(3). */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <mcheck.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Volatile, so that the compiler cannot know the sizes and warn. */
static const volatile size_t much = (size_t)1 << 40, too_much = (size_t)-5;
static void *volatile kept;

static void keep(void *p) { kept = p; }

/* Calls every function, also with arguments that make it fail. libc's log defines the expected
 * result. */
static void call_each(void) {
    void *volatile p = malloc(10);
    free(p);
    free(malloc(0));
    free(NULL);
    keep(calloc(3, 5));
    keep(calloc(much, much));
    keep(calloc(1, too_much));
    keep(malloc(too_much));
    keep(malloc(much << 6));
    p = realloc(NULL, 77);
    p = realloc(p, 100);
    p = realloc(p, 100000);
    p = realloc(p, 10);
    keep(realloc(p, much << 6));
    keep(realloc(p, 0));
    keep(realloc(NULL, too_much));
    free(realloc(NULL, 0));
    p = reallocarray(NULL, 3, 30);
    keep(reallocarray(p, much, much));
    p = reallocarray(p, 4, 30);
    keep(reallocarray(p, 0, 3));
    free(strdup("by libc"));
}

static void call_aligned(void) {
    static const size_t aligns[] = {1, 8, 16, 48, 64, 1000, 4096, 1 << 20};
    void *p;
    for (size_t i = 0; i < COUNT(aligns); i++) free(memalign(aligns[i], 10 * i));
    for (size_t align = 16; align < 100000; align *= 2) free(aligned_alloc(align, align));
    keep(aligned_alloc(64, too_much));
    keep(memalign(too_much, 10));
    for (size_t align = 8; align < 100000; align *= 2)
        if (posix_memalign(&p, align, 3) == 0) free(p);
    if (posix_memalign(&p, 3, 10) != EINVAL) abort();
    if (posix_memalign(&p, 64, too_much) != ENOMEM) abort();
    free(valloc(10));
    free(valloc(0));
    keep(valloc(too_much));
    free(pvalloc(0));
    free(pvalloc(10));
    free(pvalloc(4096));
    keep(pvalloc(too_much));
}

/* Allocates, resizes and frees in an order that depends only on the seed. */
static void call_at_random(unsigned seed, unsigned rounds) {
    void *blocks[64] = {NULL};
    for (unsigned i = 0; i < rounds; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t at = seed >> 26, size = (seed >> 8) % 3000;
        if (seed % 50 == 0) size *= 100;
        if (blocks[at] == NULL)
            blocks[at] = malloc(size);
        else if (seed % 3 == 0)
            blocks[at] = realloc(blocks[at], size + 1);
        else
            free(blocks[at]), blocks[at] = NULL;
    }
    for (size_t i = 0; i < COUNT(blocks); i++) free(blocks[i]);
}

/* Not static: its name must be among the program's dynamic symbols. */
void calls(void);
void calls(void) {
    void *early = malloc(33);
    mtrace();
    call_each();
    call_aligned();
    call_at_random(1, 20000);
    free(early);
    mtrace();
    muntrace();
    muntrace();
    free(malloc(1234567));
}

/* Without muntrace, blocks that libc frees when the program exits are in the log, too. */
static void free_late(void) { free(malloc(99)); }

static void end(void) {
    if (atexit(free_late) != 0) abort();
    mtrace();
    if (setenv("TRACED", "yes", 1) != 0) abort();
    if (setvbuf(stdin, NULL, _IOFBF, 1 << 16) != 0) abort();
    keep(fopen("/dev/null", "r"));
    if (getc((FILE *)kept) != EOF) abort();
}

static inline __attribute__((always_inline)) void keep_new(size_t size) {
    kept = malloc(size); /* the new one */
}

static __attribute__((noinline)) void leak(size_t size) {
    keep_new(size); /* the leak */
    __asm__ volatile("");
}

static void leaks(void) {
    mtrace();
    for (size_t i = 0; i < 3; i++) leak(10 * i + 10);
    void *volatile p = malloc(7);
    free(p); /* the first free */
    free(p); /* the second free */
    keep(strdup("leak"));
}

static void clean(void) {
    mtrace();
    call_at_random(2, 1000);
    muntrace();
}

/* Each thread allocates and resizes blocks, which any thread may free. */
static void *_Atomic exchanged[32];

static void *exchange(void *argument) {
    unsigned seed = (unsigned)(uintptr_t)argument;
    for (unsigned i = 0; i < 5000; i++) {
        seed = seed * 1664525 + 1013904223;
        void *p = realloc(malloc(seed >> 20), seed >> 19);
        free(__atomic_exchange_n((void **)&exchanged[seed >> 27], p, __ATOMIC_ACQ_REL));
    }
    return NULL;
}

static void threads(void) {
    pthread_t thread[4];
    mtrace();
    for (uintptr_t i = 0; i < COUNT(thread); i++)
        if (pthread_create(&thread[i], NULL, exchange, (void *)(i + 1)) != 0) abort();
    for (size_t i = 0; i < COUNT(thread); i++) pthread_join(thread[i], NULL);
    for (size_t i = 0; i < COUNT(exchanged); i++) free(exchanged[i]);
}

static void wait_for_child(pid_t child) {
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) abort();
    printf("%d\n", (int)child);
    fflush(stdout);
}

static pid_t fork_to(const char *what) {
    pid_t child = fork();
    if (child != 0) return child;
    execl("/proc/self/exe", "traced", what, (char *)NULL);
    abort();
}

/* Prints the children's numbers. The first child is not traced, the second one starts its own
 * trace, the third one executes a traced program, and the fourth one starts a trace after its
 * parent's has ended. */
static void children(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    mtrace();
    void *p = malloc(111);
    pid_t child = fork();
    if (child == 0) free(malloc(222)), exit(0);
    wait_for_child(child);
    child = fork();
    if (child == 0) mtrace(), free(malloc(333)), muntrace(), exit(0);
    wait_for_child(child);
    wait_for_child(fork_to("clean"));
    free(p);
    muntrace();
    child = fork();
    if (child == 0) mtrace(), free(malloc(444)), muntrace(), exit(0);
    wait_for_child(child);
}

/* Closes all descriptors, as daemons do, so that the next file gets the log's number. */
static void descriptors(void) {
    char text[16];
    mtrace();
    free(malloc(555));
    for (int i = 3; i < 100; i++) close(i);
    for (int i = 3; i < 10; i++)
        if (open("other", O_RDWR | O_CREAT, 0600) != i) abort();
    call_at_random(3, 1000);
    muntrace();
    if (read(3, text, sizeof text) != 0) abort();
    if (fcntl(3, F_GETFD) < 0) abort();
}

/* Ends at once: only what has been written so far is in the log. */
static void killed(void) {
    mtrace();
    call_at_random(4, 1000);
    _exit(0);
}

static void secure(void) {
    puts(getauxval(AT_SECURE) != 0 ? "secure" : "plain");
    if (setenv("MALLOC_TRACE", "setuid.log", 1) != 0) abort(); /* libc has removed it */
    clean();
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } ways[] = {
        {"calls", calls},
        {"end", end},
        {"leaks", leaks},
        {"clean", clean},
        {"threads", threads},
        {"children", children},
        {"descriptors", descriptors},
        {"killed", killed},
        {"secure", secure},
    };
    for (size_t i = 0; i < COUNT(ways); i++) {
        if (argc != 2 || strcmp(argv[1], ways[i].name) != 0) continue;
        ways[i].run();
        return 0;
    }
    return 1;
}
