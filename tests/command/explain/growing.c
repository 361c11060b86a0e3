/* Programs whose memory mallow explain must explain. Usage: growing KIND, where KIND is the name of
 * a function below. Each prints a line when it has reached the state that it keeps. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define NOINLINE __attribute__((noinline))

static void ready(void) {
    puts("ready");
    fflush(stdout);
}

static void pause_ms(unsigned ms) { usleep(ms * 1000); }

static void *fill(void *block, size_t size) {
    if (block == NULL) abort();
    return memset(block, 1, size);
}

/* ---- memory that grows ---- */

/* Nothing points to the blocks any more: the calls overwrite each other's pointer. */
NOINLINE static void lose_a_block(void) {
    char *volatile block = fill(malloc(2000), 2000);
    block = NULL;
    (void)block;
}

static void leak(void) {
    ready();
    for (;;) {
        for (int i = 0; i < 20; i++) lose_a_block();
        pause_ms(10);
    }
}

struct entry {
    struct entry *next;
    char data[2000];
};
static struct entry *entries;

NOINLINE static void remember_an_entry(void) {
    struct entry *entry = fill(malloc(sizeof *entry), sizeof *entry);
    entry->next = entries;
    entries = entry;
}

static void cache(void) {
    ready();
    for (;;) {
        for (int i = 0; i < 20; i++) remember_an_entry();
        pause_ms(10);
    }
}

static void library(const char *path) {
    void *handle = dlopen(path, RTLD_NOW);
    void (*lose)(void) = NULL;
    if (handle != NULL) *(void **)&lose = dlsym(handle, "library_lose_a_block");
    if (lose == NULL) exit(2);
    ready();
    for (;;) {
        for (int i = 0; i < 20; i++) lose();
        pause_ms(10);
    }
}

/* ---- free memory ---- */

enum { BLOCKS = 100000, SURVIVORS = 15 };
static char *blocks[BLOCKS];

static void make_blocks(size_t size) {
    for (int i = 0; i < BLOCKS; i++) blocks[i] = fill(malloc(size), size);
}

static void retention(void) {
    make_blocks(1000);
    for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
    ready();
    for (;;) pause();
}

NOINLINE static char *make_a_survivor(void) { return fill(malloc(200), 200); }

/* One block in SURVIVORS lives on, and with it most pages. */
static void fragmentation(void) {
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = i % SURVIVORS == 0 ? make_a_survivor() : fill(malloc(200), 200);
    for (int i = 0; i < BLOCKS; i++)
        if (i % SURVIVORS != 0) free(blocks[i]);
    ready();
    for (;;) pause();
}

/* ---- other memory ---- */

static void *use_stack(void *argument) {
    volatile char room[MIB];
    for (size_t i = 0; i < sizeof room; i += 1024) room[i] = 1;
    pthread_barrier_wait(argument);
    for (;;) pause();
    return NULL;
}

static void stacks(void) {
    enum { THREADS = 50 };
    pthread_barrier_t all;
    pthread_t thread;
    pthread_barrier_init(&all, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread, NULL, use_stack, &all) != 0) exit(2);
    pthread_barrier_wait(&all);
    ready();
    for (;;) pause();
}

static void file(const char *path) {
    size_t size = 64 * MIB;
    int fd = open(path, O_RDONLY);
    volatile char *content = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (content == MAP_FAILED) exit(2);
    for (size_t i = 0; i < size; i += 4096) (void)content[i];
    ready();
    for (;;) pause();
}

/* The child writes to the memory that it shares with its parent. It prints its own ID. */
static void copies(void) {
    size_t size = 128 * MIB;
    volatile char *memory = fill(malloc(size), size); /* or clang would leave the writes out */
    pid_t child = fork();
    if (child != 0) {
        waitpid(child, NULL, 0);
        exit(0);
    }
    printf("%d\n", (int)getpid());
    ready();
    for (size_t i = 0; i < size; i += 4096) {
        memory[i] = 2;
        if (i % (256 << 10) == 0) pause_ms(10);
    }
    for (;;) pause();
}

static void mappings(void) {
    for (int i = 0; i < 20000; i++) {
        char *two =
            mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (two == MAP_FAILED || mprotect(two + 4096, 4096, PROT_NONE) != 0) exit(2);
        *two = 1;
    }
    ready();
    for (;;) pause();
}

/* Touches a few bytes of each huge page. */
static void huge(void) {
    size_t size = 64 * MIB;
    char *memory = NULL;
    if (posix_memalign((void **)&memory, 2 * MIB, size) != 0) exit(2);
    if (madvise(memory, size, MADV_HUGEPAGE) != 0) exit(3);
    for (size_t i = 0; i < size; i += 2 * MIB) memory[i] = 1;
    ready();
    for (;;) pause();
}

static unsigned next_random(void) {
    static unsigned seed = 1;
    return (seed = seed * 1103515245 + 12345) >> 8;
}

/* Allocates and frees all the time, and keeps about the same amount. */
static void healthy(void) {
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = 200 + next_random() % 200;
        blocks[i] = fill(malloc(size), size);
    }
    ready();
    for (;;) {
        for (int i = 0; i < 1000; i++) {
            char **block = &blocks[next_random() % BLOCKS];
            size_t size = 200 + next_random() % 200;
            free(*block);
            *block = fill(malloc(size), size);
        }
        pause_ms(5);
    }
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } kinds[] = {
        {"leak", leak},           {"cache", cache},
        {"retention", retention}, {"fragmentation", fragmentation},
        {"stacks", stacks},       {"copies", copies},
        {"mappings", mappings},   {"huge", huge},
        {"healthy", healthy},
    };
    if (argc == 3 && strcmp(argv[1], "library") == 0) library(argv[2]);
    if (argc == 3 && strcmp(argv[1], "file") == 0) file(argv[2]);
    for (size_t i = 0; argc == 2 && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(argv[1], kinds[i].name) == 0) kinds[i].run();
    return 2;
}
