/*
 * A program with many allocation sites and threads, for mallow top: busy SITES THREADS [TURN_US].
 *
 * Each stack has two functions that call each other in an order that the bits of a number
 * determine, so 2^14 different stacks exist. The main thread allocates at each site and then
 * replaces a block at one site after the other; each other thread keeps a few blocks and sleeps.
 * Prints "ready PID" and ends when its input does.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH 14
#define BLOCKS_OF_THREAD 4
#define LARGE_BYTES (2 << 20)

static void *busy_left(unsigned path, int depth, size_t bytes);
static void *busy_right(unsigned path, int depth, size_t bytes);

/* The barriers keep the calls from becoming jumps, which have no frame. The bits are rotated, so
 * that both functions allocate. */
static void *busy_call(unsigned path, int depth, size_t bytes) {
    unsigned next = path >> 1 | (path & 1) << (DEPTH - 1);
    void *block = path & 1 ? busy_left(next, depth, bytes) : busy_right(next, depth, bytes);
    __asm__ volatile("" : "+r"(block));
    return block;
}

__attribute__((noinline)) static void *busy_left(unsigned path, int depth, size_t bytes) {
    void *block = depth == 0 ? malloc(bytes) : busy_call(path, depth - 1, bytes);
    __asm__ volatile("" : "+r"(block));
    return block;
}

/* The comment keeps the compiler from merging the two functions. */
__attribute__((noinline)) static void *busy_right(unsigned path, int depth, size_t bytes) {
    __asm__ volatile("# right");
    void *block = depth == 0 ? malloc(bytes) : busy_call(path, depth - 1, bytes);
    __asm__ volatile("" : "+r"(block));
    return block;
}

static pthread_barrier_t busy_barrier; /* all threads have their blocks */

static size_t busy_bytes(unsigned site) { return 64 + site * 37 % 4000; }

static void *busy_thread(void *number) {
    char name[16];
    void *blocks[BLOCKS_OF_THREAD];
    snprintf(name, sizeof name, "worker-%zu", (size_t)number);
    pthread_setname_np(pthread_self(), name);
    for (int i = 0; i < BLOCKS_OF_THREAD; i++) blocks[i] = memset(malloc(10000), 1, 10000);
    pthread_barrier_wait(&busy_barrier);
    for (;;) pause();
    for (int i = 0; i < BLOCKS_OF_THREAD; i++) free(blocks[i]);
    return NULL;
}

/* Waits so long. Returns true if the input ends. */
static int busy_input_ends(unsigned us) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec timeout = {us / 1000000, us % 1000000 * 1000};
    char byte;
    return ppoll(&input, 1, &timeout, NULL) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

int main(int argc, char **argv) {
    unsigned sites = argc > 1 ? (unsigned)atoi(argv[1]) : 100;
    unsigned threads = argc > 2 ? (unsigned)atoi(argv[2]) : 4;
    unsigned turn_us = argc > 3 ? (unsigned)atoi(argv[3]) : 1000;
    void *large = memset(malloc(LARGE_BYTES), 1, LARGE_BYTES); /* with its own mapping */
    void **blocks = calloc(sites, sizeof *blocks);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    pthread_barrier_init(&busy_barrier, NULL, threads + 1);
    for (size_t i = 0; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, busy_thread, (void *)i) != 0) return 1;
    }
    for (unsigned i = 0; i < sites; i++)
        blocks[i] = memset(busy_call(i, DEPTH, busy_bytes(i)), 1, busy_bytes(i));
    pthread_barrier_wait(&busy_barrier);
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    for (unsigned i = 0; !busy_input_ends(turn_us); i = (i + 1) % sites) {
        free(blocks[i]);
        blocks[i] = busy_call(i, DEPTH, busy_bytes(i));
    }
    free(large);
    return 0;
}
