/*
 * Captures by many threads are correct whatever happens meanwhile: a capture with a used cache
 * equals one with an empty cache.
 *     storm calm            only threads, also under ThreadSanitizer
 *     storm PLUGIN PLUGIN   meanwhile objects are loaded and unloaded, processes fork, and handlers
 *                           jump out of captures
 */
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "random.h"
#include "threads.h"
#include "two_caches.h"

#define THREADS 4u

typedef void enter_function(void (*inside)(void));

static _Thread_local uint64_t seed;
static _Thread_local unsigned countdown;
static _Atomic bool over;
static _Atomic unsigned long captures;

static void check_capture(void) {
    compare_captures();
    if (countdown++ % 16 == 0) drop_fresh_cache();
    captures++;
}

NOINLINE static void wander(unsigned depth) {
    check_capture();
    if (depth == 0) return;
    switch (random_below(&seed, 4)) {
    case 0:
        wander(depth - 1);
        break;
    case 1:
        wander(depth - 1);
        break;
    case 2:
        wander(depth / 2);
        break;
    default:
        check_capture();
    }
    check_capture();
}

static void *wanderer(void *number) {
    seed = (uintptr_t)number + 1;
    for (unsigned i = 0; i < 1000 || !over; i++) wander(30);
    drop_fresh_cache();
    return NULL;
}

/* ---- handlers that jump out ---- */

static _Thread_local sigjmp_buf outside;
static _Thread_local volatile sig_atomic_t jumps;
static _Atomic unsigned long jumped;

static void jump_out(int signal) {
    (void)signal;
    if (jumps) siglongjmp(outside, 1);
}

NOINLINE static void deep(unsigned depth) {
    if (depth == 0)
        capture_with(&warm);
    else
        deep(depth - 1);
    KEEP_FRAME();
}

static void *jumper(void *number) {
    seed = (uintptr_t)number + 1;
    while (!over) {
        if (sigsetjmp(outside, 1) != 0) {
            jumps = 0;
            jumped++;
            check_capture();
            wander(10);
        }
        jumps = 1;
        for (unsigned i = 0; i < 1000; i++) deep((unsigned)random_below(&seed, 70));
        jumps = 0;
    }
    drop_fresh_cache();
    return NULL;
}

/* ---- objects ---- */

static void *loader(void *paths) {
    char *const *path = paths;
    for (unsigned i = 0; !over; i++) {
        void *plugin = dlopen(path[i % 2], RTLD_NOW);
        CHECK(plugin != NULL);
        enter_function *enter = (enter_function *)dlsym(plugin, "enter");
        for (unsigned j = 0; j < 3; j++) enter(check_capture);
        CHECK(dlclose(plugin) == 0);
        check_capture();
    }
    return NULL;
}

/* ---- processes ---- */

static void fork_once(void) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        for (unsigned i = 0; i < 20; i++) wander(10);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQUAL(status, 0);
}

static void storm(char **paths) {
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {0};
    struct sigaction action = {.sa_handler = jump_out, .sa_flags = SA_RESTART};
    pthread_t threads[4];
    CHECK(sigaction(SIGPROF, &action, NULL) == 0);
    threads[0] = start_thread(jumper, (void *)1);
    threads[1] = start_thread(jumper, (void *)2);
    threads[2] = start_thread(loader, paths);
    threads[3] = start_thread(wanderer, (void *)3);
    CHECK(setitimer(ITIMER_PROF, &often, NULL) == 0);
    for (unsigned i = 0; i < 50 || jumped < 200; i++) fork_once();
    CHECK(setitimer(ITIMER_PROF, &never, NULL) == 0);
    over = true;
    for (unsigned i = 0; i < 4; i++) join_thread(threads[i]);
}

int main(int argc, char **argv) {
    seed = 1;
    if (argc == 3) {
        storm(argv + 1);
    } else {
        pthread_t threads[THREADS];
        over = true;
        for (uintptr_t i = 0; i < THREADS; i++) threads[i] = start_thread(wanderer, (void *)i);
        for (unsigned i = 0; i < THREADS; i++) join_thread(threads[i]);
    }
    printf("%lu captures, %lu jumps\n", captures, jumped);
    return 0;
}
