/* Programs whose profiles profile.py reads: one for each scenario. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random.h"
#include "seccomp.h"

#if defined(__clang__)
#    define NOINLINE __attribute__((noinline))
#else
#    define NOINLINE __attribute__((noinline, noclone))
#endif

static uint64_t state = 1;
static volatile char sink;

/* ---- exact figures: each site has a function of its own ---- */

#define SITES 20
static struct {
    double allocated, live, blocks;
} exact[SITES];

#define SITE(n)                                   \
    static NOINLINE void *site_##n(size_t size) { \
        void *p = malloc(size);                   \
        sink = (char)n; /* not a tail call */     \
        return p;                                 \
    }
SITE(0)
SITE(1)
SITE(2)
SITE(3) SITE(4) SITE(5) SITE(6) SITE(7) SITE(8) SITE(9) SITE(10) SITE(11) SITE(12) SITE(13) SITE(14)
    SITE(15) SITE(16) SITE(17) SITE(18) SITE(19)

        static void *(*const sites[SITES])(size_t) = {site_0,  site_1,  site_2,  site_3,  site_4,
                                                      site_5,  site_6,  site_7,  site_8,  site_9,
                                                      site_10, site_11, site_12, site_13, site_14,
                                                      site_15, site_16, site_17, site_18, site_19};

/* Each site has sizes of its own: constant ones, and mixtures. */
static size_t size_at(unsigned site) {
    if (site == 19) return 40000 + random_below(&state, 40000); /* large */
    size_t base = (size_t)16 << site % 11;
    return site % 2 == 0 ? base : 1 + random_below(&state, base);
}

#define HELD 4000

static void count_exactly(void) {
    static struct {
        void *p;
        size_t size;
        unsigned site;
    } held[HELD];
    for (unsigned i = 0; i < 300000; i++) {
        unsigned site = (unsigned)random_below(&state, SITES),
                 at = (unsigned)random_below(&state, HELD);
        if (site == 19 && i % 20 != 0) site = 0;
        size_t size = size_at(site);
        if (held[at].p != NULL) {
            exact[held[at].site].live -= (double)held[at].size;
            exact[held[at].site].blocks--;
            free(held[at].p);
        }
        held[at].p = sites[site](size);
        held[at].size = size;
        held[at].site = site;
        exact[site].allocated += (double)size;
        exact[site].live += (double)size;
        exact[site].blocks++;
    }
    for (unsigned i = 0; i < SITES; i++)
        printf("%p %.0f %.0f %.0f\n", (void *)(uintptr_t)sites[i], exact[i].allocated,
               exact[i].live, exact[i].blocks);
    fflush(stdout);
}

/* ---- processes and threads ---- */

static void keep(unsigned blocks) {
    for (unsigned i = 0; i < blocks; i++) sink = *(char *)memset(malloc(1000), 1, 1000);
}

static void fork_children(void) {
    void *parents[1000];
    for (int i = 0; i < 1000; i++) parents[i] = malloc(1000);
    for (int child = 0; child < 3; child++) {
        if (fork() != 0) continue;
        for (int i = 0; i < 500; i++) free(parents[i]);
        keep(300 * (unsigned)(child + 1));
        exit(0);
    }
    while (wait(NULL) > 0) continue;
}

static void *allocate(void *count) {
    keep((unsigned)(uintptr_t)count);
    return NULL;
}

static void start_threads(void) {
    pthread_t thread[8];
    for (int i = 0; i < 8; i++) {
        char name[16];
        pthread_create(&thread[i], NULL, allocate, (void *)(uintptr_t)2000);
        snprintf(name, sizeof name, "worker %d", i);
        pthread_setname_np(thread[i], name);
    }
    for (int i = 0; i < 8; i++) pthread_join(thread[i], NULL);
}

/* Threads allocate, free and resize while others fork. */
static void *churn(void *seed) {
    uint64_t random = (uintptr_t)seed;
    void *held[200] = {NULL};
    for (int i = 0; i < 100000; i++) {
        void **p = &held[random_below(&random, 200)];
        size_t size = random_below(&random, 100) == 0 ? 50000 : random_below(&random, 2000) + 1;
        if (random_below(&random, 3) == 0) {
            *p = realloc(*p, size);
        } else {
            free(*p);
            *p = malloc(size);
        }
    }
    for (int i = 0; i < 200; i++) free(held[i]);
    return NULL;
}

static void churn_and_fork(void) {
    pthread_t thread[4];
    for (int i = 0; i < 4; i++) pthread_create(&thread[i], NULL, churn, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            churn((void *)(uintptr_t)(i + 100));
            exit(0);
        }
        waitpid(child, NULL, 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
}

static void handle(int signal) {
    int error = errno;
    (void)signal;
    free(malloc(5000));
    errno = error;
}

static void allocate_in_handlers(void) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 200}, {0, 200}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 3; i++) churn((void *)(uintptr_t)(i + 1));
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

/* ---- ends ---- */

static void exit_at_once(void) {
    keep(2000);
    usleep(300000);
    keep(2000);
    _exit(3);
}

/* ---- other programs ---- */

extern char **environ;

static void execute(const char *function) {
    char *words[] = {"echo", "one", "two", NULL}, *variables[] = {"three=3", NULL};
    keep(2000);
    if (strcmp(function, "execl") == 0) execl("/bin/echo", "echo", "one", "two", NULL);
    if (strcmp(function, "execle") == 0)
        execle("/bin/sh", "sh", "-c", "echo one two $three", NULL, variables);
    if (strcmp(function, "execlp") == 0) execlp("echo", "echo", "one", "two", NULL);
    if (strcmp(function, "execv") == 0) execv("/bin/echo", words);
    if (strcmp(function, "execve") == 0) execve("/bin/echo", words, environ);
    if (strcmp(function, "execvp") == 0) execvp("echo", words);
    if (strcmp(function, "execvpe") == 0) execvpe("echo", words, environ);
    if (strcmp(function, "none") == 0 && execvp("/none", words) == -1 && errno == ENOENT) return;
    _exit(1);
}

/* The copies share this process's memory and must not describe it. */
static void vfork_copies(void) {
    keep(1000);
    for (int i = 0; i < 10; i++) {
        pid_t copy = vfork();
        if (copy == 0 && i % 2 == 0) execl("/bin/true", "true", NULL);
        if (copy == 0) _exit(0);
        waitpid(copy, NULL, 0);
    }
    keep(1000);
}

/* Like the workers of Python's multiprocessing. */
static void fork_workers(void) {
    keep(1000);
    for (int i = 0; i < 4; i++) {
        if (fork() != 0) continue;
        if (i % 2 == 0) keep(1000);
        _exit(0);
    }
    while (wait(NULL) > 0) continue;
}

static void fail_to_allocate(void) {
    struct rlimit limit = {(rlim_t)400 << 20, RLIM_INFINITY};
    keep(100);
    setrlimit(RLIMIT_AS, &limit);
    for (size_t size = (size_t)300 << 20; size > 4096;) {
        char *p = malloc(size);
        if (p == NULL)
            size /= 2;
        else
            sink = *p = 1; /* the block is used, so the compiler keeps it */
    }
    _exit(0);
}

static void free_twice(void) {
    keep(1000);
    void *volatile p = malloc(100);
    free(p);
    free(p);
}

static void approach_data_limit(void) {
    keep(100);
    struct rlimit limit = {(rlim_t)100 << 20, RLIM_INFINITY};
    setrlimit(RLIMIT_DATA, &limit);
    usleep(300000);
    for (;;) keep(1);
}

/* Grows until it is killed. */
static void grow(void) {
    for (;;) keep(100);
}

/* ---- surroundings ---- */

static void close_all_descriptors(void) {
    keep(1000);
    for (int fd = 0; fd < 2000; fd++) close(fd);
    for (int i = 0; i < 1500; i++) open("/dev/null", O_RDWR);
    usleep(300000);
    keep(1000);
}

static void change_root(void) {
    keep(1000);
    if (chdir("/proc") != 0 || chroot("/proc/self") != 0) _exit(77);
    usleep(300000);
    keep(1000);
}

/* The kernel kills the process if it opens a file from now on. */
static void open_nothing(void) {
    keep(1000);
    if (!filter_call(SYS_openat, SECCOMP_RET_ERRNO | EACCES)) _exit(77);
    usleep(300000);
    keep(1000);
}

static void limit_files(void) {
    struct rlimit limit = {20000, RLIM_INFINITY};
    keep(1000);
    setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 0; i < 10; i++) {
        start_threads();
        usleep(260000);
    }
}

static void wait_for_input(void) {
    keep(1000);
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {
        keep(1000);
        puts("ready");
        fflush(stdout);
    }
}

/* ---- pinned memory ---- */

enum { PIN_BLOCKS = 1 << 17, PIN_BYTES = 64, PIN_EVERY = 32 };

static NOINLINE void *pin_keep(void) {
    void *p = malloc(PIN_BYTES);
    sink = 1;
    return p;
}

static NOINLINE void *pin_fill(void) {
    void *p = malloc(PIN_BYTES);
    sink = 2;
    return p;
}

/* Frees all blocks but one of 32 of each page. Then waits. */
static void pin_pages(void) {
    static void *blocks[PIN_BLOCKS];
    for (size_t i = 0; i < PIN_BLOCKS; i++) {
        blocks[i] = i % PIN_EVERY == 0 ? pin_keep() : pin_fill();
        *(char *)blocks[i] = 1;
    }
    for (size_t i = 0; i < PIN_BLOCKS; i++)
        if (i % PIN_EVERY != 0) free(blocks[i]);
    printf("%#lx %#lx\n", (unsigned long)(uintptr_t)pin_keep, (unsigned long)(uintptr_t)pin_fill);
    fflush(stdout);
    for (int c; (c = getchar()) != EOF;) {
        keep(1000); /* enough for a periodic snapshot, if one is due */
        putchar(c);
        fflush(stdout);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} scenarios[] = {
    {"exact", count_exactly},           {"fork", fork_children},
    {"threads", start_threads},         {"churn", churn_and_fork},
    {"handlers", allocate_in_handlers}, {"_exit", exit_at_once},
    {"no_memory", fail_to_allocate},    {"error", free_twice},
    {"data", approach_data_limit},      {"grow", grow},
    {"close", close_all_descriptors},   {"chroot", change_root},
    {"seccomp", open_nothing},          {"file_limit", limit_files},
    {"wait", wait_for_input},           {"vfork", vfork_copies},
    {"workers", fork_workers},          {"pin", pin_pages},
};

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "exec") == 0) {
        execute(argv[2]);
        return 0;
    }
    for (size_t i = 0; argc > 1 && i < sizeof scenarios / sizeof *scenarios; i++) {
        if (strcmp(argv[1], scenarios[i].name) != 0) continue;
        scenarios[i].run();
        if (argc > 2) execvp(argv[2], argv + 2); /* the program that follows */
        return 0;
    }
    return 2;
}
