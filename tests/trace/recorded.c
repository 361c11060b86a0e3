/* A program to record. Each argument is something that it does.
 *
 * Usage: trace_recorded ACTION... */
#include <err.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- calls ---- */

/* Prints a call without allocating: its name, address, old address and size. */
static void say(const char *name, const void *p, uintptr_t old, size_t size) {
    char line[128];
    int n = snprintf(line, sizeof line, "%s %zu %zu %zu\n", name, (size_t)(uintptr_t)p, (size_t)old,
                     size);
    if (write(STDOUT_FILENO, line, (size_t)n) != n) err(1, "write");
}

static void *resize(void *p, size_t size) {
    uintptr_t old = (uintptr_t)p;
    void *q = realloc(p, size);
    say("realloc", q, old, size);
    return q;
}

static void give(void *p) {
    say("free", NULL, (uintptr_t)p, 0);
    free(p);
}

static void calls(void) {
    void *p = malloc(100), *q;
    say("malloc", p, 0, 100);
    p = resize(p, 101);
    p = resize(p, 70000);
    p = resize(p, 3000000);
    give(p);
    say("calloc", q = calloc(7, 50), 0, 350);
    give(q);
    say("memalign", q = memalign(256, 1000), 0, 1000);
    give(q);
    say("malloc", q = malloc(64 << 20), 0, 64 << 20);
    memset(q, 1, 64 << 20);
    usleep(100000);
    give(q);
    usleep(100000);
}

/* ---- threads ---- */

#define THREADS 4
#define STEPS 20000
#define SLOTS 64

static void *_Atomic slots[SLOTS];

/* Threads free each other's blocks. */
static void *exchange(void *seed) {
    unsigned state = (unsigned)(uintptr_t)seed;
    for (unsigned i = 0; i < STEPS; i++) {
        state = state * 1103515245 + 12345;
        free(atomic_exchange(&slots[state >> 16 & (SLOTS - 1)], malloc(state >> 24)));
    }
    return NULL;
}

/* Blocks that move leave room for those of other threads. */
static void *resize_all(void *seed) {
    unsigned state = (unsigned)(uintptr_t)seed;
    void *blocks[16] = {NULL};
    for (unsigned i = 0; i < STEPS; i++) {
        state = state * 1103515245 + 12345;
        blocks[i % 16] = realloc(blocks[i % 16], 2000 + (state >> 20));
    }
    for (unsigned i = 0; i < 16; i++) free(blocks[i]);
    return NULL;
}

static void in_threads(void *(*body)(void *)) {
    pthread_t ids[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        if (pthread_create(&ids[i], NULL, body, (void *)(i + 1)) != 0) errx(1, "no thread");
        pthread_setname_np(ids[i], "exchanger");
    }
    for (unsigned i = 0; i < THREADS; i++) pthread_join(ids[i], NULL);
}

static void threads(void) { in_threads(exchange); }
static void resizes(void) { in_threads(resize_all); }

/* ---- processes ---- */

static void forks(void) {
    void *p = malloc(11111);
    pid_t child = fork();
    if (child == 0) {
        say("malloc", malloc(22222), 0, 22222);
        give(p);
        execl("/proc/self/exe", "again", "calls", (char *)NULL);
        err(1, "exec");
    }
    waitpid(child, NULL, 0);
    free(p);
}

/* ---- system calls ---- */

static void maps(void) {
    size_t bytes = 1 << 20;
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    say("mmap", p, 0, bytes);
    madvise(p, bytes, MADV_DONTNEED);
    say("madvise", p, 0, bytes);
    mprotect(p, bytes, PROT_READ);
    say("mprotect", p, 0, bytes);
    char *q = mremap(p, bytes, 2 * bytes, MREMAP_MAYMOVE);
    say("mremap", q, (uintptr_t)p, 2 * bytes);
    munmap(q, 2 * bytes);
    say("munmap", q, 0, 2 * bytes);
    void *end = sbrk(0);
    if (sbrk(65536) != end) err(1, "sbrk");
    say("brk", (char *)end + 65536, (uintptr_t)end + 65536, 0);
}

/* ---- many events ---- */

static void *storm(void *unused) {
    for (unsigned i = 0;; i = (i + 1) % 1000) {
        void *p = malloc(i);
        __asm__ volatile("" : : "r"(p) : "memory");
        free(p);
    }
    return unused;
}

static void storms(void) {
    pthread_t id;
    if (pthread_create(&id, NULL, storm, NULL) != 0) errx(1, "no thread");
    storm(NULL);
}

static void trickle(void) {
    for (;; usleep(1000)) {
        void *p = malloc(1000);
        __asm__ volatile("" : : "r"(p) : "memory");
        free(p);
    }
}

static void burst(void) {
    for (unsigned i = 0; i < 300000; i++) {
        void *p = malloc(1 + i % 1000);
        __asm__ volatile("" : : "r"(p) : "memory");
        free(p);
    }
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*act)(void);
    } actions[] = {{"calls", calls},     {"threads", threads}, {"forks", forks},
                   {"maps", maps},       {"storm", storms},    {"burst", burst},
                   {"trickle", trickle}, {"resizes", resizes}};
    for (int i = 1; i < argc; i++)
        for (unsigned k = 0; k < sizeof actions / sizeof *actions; k++)
            if (strcmp(argv[i], actions[k].name) == 0) actions[k].act();
}
