/*
 * The library works when it is preloaded into a program that uses musl: in threads, in children,
 * and for all sizes.
 *     musl_program [twice]
 * twice: a child also frees a block twice.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) ((condition) ? (void)0 : fail(__LINE__, #condition))

static void fail(int line, const char *condition) {
    dprintf(2, "musl_program.c:%d: failed: %s\n", line, condition);
    _exit(1);
}

enum { THREADS = 8, ROUNDS = 5, LARGEST = 500000 };

static void *use(void *unused) {
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t size = 1; size < LARGEST; size = size * 5 / 2 + 1) {
            char *block = memset(malloc(size), 1, size);
            CHECK(malloc_usable_size(block) >= size);
            block = realloc(block, 2 * size);
            CHECK(block[0] == 1 && block[size - 1] == 1);
            free(block);
            void *aligned = aligned_alloc(4096, size);
            CHECK(aligned != NULL && (size_t)aligned % 4096 == 0);
            free(aligned);
            if (size > 10000 && round % 10 != 0) break;
        }
        free(strdup("text"));
    }
    return unused;
}

static void use_in_threads(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, use, NULL) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

static int in_child(void (*call)(void)) {
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        call();
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static void free_twice(void) {
    char *volatile block = malloc(40);
    free(block);
    free(block);
}

int main(int argc, char **argv) {
    CHECK(dlsym(RTLD_DEFAULT, "mallow_malloc") != NULL);
    use_in_threads();
    CHECK(in_child(use_in_threads) == 0);
    if (argc > 1 && strcmp(argv[1], "twice") == 0) {
        int status = in_child(free_twice);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
    puts("done");
}
