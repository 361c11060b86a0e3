/*
 * Each thread sleeps in a different system call and fails on EINTR, so a leak check that stops the
 * threads must not interrupt the calls. Prints "ready PID", waits for the end of standard input,
 * wakes the threads and prints "well".
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 3

static int ends[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void require(int well, const char *what) {
    if (well) return;
    perror(what);
    _exit(EXIT_FAILURE);
}

static void *in_poll(void *unused) {
    struct pollfd wanted = {ends[0], POLLIN, 0};
    require(poll(&wanted, 1, -1) == 1, "poll");
    return unused;
}

static void *in_ppoll(void *unused) {
    struct timespec time = {SECONDS, 0};
    double begun = now();
    require(ppoll(NULL, 0, &time, NULL) == 0 && now() - begun >= SECONDS, "ppoll");
    return unused;
}

static void *in_epoll(void *unused) {
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
    require(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
    return unused;
}

static void *in_select(void *unused) {
    struct timeval time = {SECONDS, 0};
    double begun = now();
    require(select(0, NULL, NULL, NULL, &time) == 0 && now() - begun >= SECONDS, "select");
    return unused;
}

static void *in_sleep(void *unused) {
    double begun = now();
    require(sleep(SECONDS) == 0 && now() - begun >= SECONDS, "sleep");
    return unused;
}

static void *in_usleep(void *unused) {
    double begun = now();
    require(usleep(SECONDS * 1000000) == 0 && now() - begun >= SECONDS, "usleep");
    return unused;
}

static void *until(void *unused) {
    struct timespec time;
    double begun = now();
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += SECONDS;
    require(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == 0, "clock_nanosleep");
    require(now() - begun >= SECONDS, "clock_nanosleep");
    return unused;
}

static void *in_read(void *unused) {
    char byte;
    require(read(ends[0], &byte, 1) == 0, "read");
    return unused;
}

static void *in_condition(void *unused) {
    pthread_mutex_lock(&mutex);
    require(pthread_cond_wait(&condition, &mutex) == 0, "pthread_cond_wait");
    pthread_mutex_unlock(&mutex);
    return unused;
}

static void *in_sigwait(void *unused) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    require(sigwaitinfo(&one, NULL) == SIGUSR1, "sigwaitinfo");
    return unused;
}

static void *in_pause(void *unused) {
    (void)unused;
    pause();
    require(0, "pause");
    return NULL;
}

int main(void) {
    static void *(*const sleeps[])(void *) = {in_poll,      in_ppoll,   in_epoll, in_select,
                                              in_sleep,     in_usleep,  until,    in_read,
                                              in_condition, in_sigwait, in_pause};
    enum { COUNT = sizeof sleeps / sizeof sleeps[0] };
    pthread_t threads[COUNT];
    sigset_t one;
    char byte;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    sigprocmask(SIG_BLOCK, &one, NULL);
    require(pipe(ends) == 0, "pipe");
    for (int i = 0; i < COUNT; i++) pthread_create(&threads[i], NULL, sleeps[i], NULL);
    usleep(200000);
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) continue;
    close(ends[1]);
    kill(getpid(), SIGUSR1);
    pthread_mutex_lock(&mutex);
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < COUNT - 1; i++) pthread_join(threads[i], NULL);
    puts("well");
    fflush(stdout);
    _exit(EXIT_SUCCESS);
}
