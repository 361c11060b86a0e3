/*
 * An error is reported even if part of the stack has become inaccessible since an earlier report,
 * or if the loader's description of an object is invalid. Runs with on_error=report.
 */
#define _GNU_SOURCE
#include "check.h"
#include "threads.h"

#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { DEPTH = 400, STACK = 1 << 20, AWAY = 16384 };

static char report[65536];
static int report_pipe[2];
static struct link_map *libc_map;

static void free_twice(void) {
    void *volatile block = malloc(40);
    free(block);
    free(block);
}

/* Reads the report of the last free_twice. */
static void read_report(void) {
    ssize_t length = read(report_pipe[0], report, sizeof report - 1);
    CHECK(length > 0);
    report[length] = '\0';
    CHECK(strncmp(report, "mallow: double free of ", 23) == 0);
    CHECK(strstr(report, "\n    #0 0x") != NULL);
}

static size_t reported_frames(void) {
    size_t count = 0;
    for (const char *at = report; (at = strstr(at, "\n    #")) != NULL; at++) count++;
    return count;
}

static void report_without_outer_frames(void) {
    char *page = (char *)((uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)4095) + AWAY;
    free_twice();
    read_report();
    size_t whole = reported_frames();
    CHECK_EQUAL(mprotect(page, AWAY, PROT_NONE), 0);
    free_twice();
    CHECK_EQUAL(mprotect(page, AWAY, PROT_READ | PROT_WRITE), 0);
    read_report();
    CHECK(reported_frames() > 10 && reported_frames() <= whole);
}

static void report_without_name(void) {
    char *name = libc_map->l_name;
    free_twice();
    read_report();
    size_t whole = reported_frames();
    CHECK(strstr(report, name) != NULL);
    libc_map->l_name = (char *)(uintptr_t)16;
    free_twice();
    libc_map->l_name = name;
    read_report();
    CHECK(strstr(report, name) == NULL);
    CHECK_EQUAL(reported_frames(), whole);
}

__attribute__((noinline)) static int descend(volatile char *above, int depth, void (*act)(void)) {
    volatile char here[200];
    here[0] = (char)(above[0] + 1);
    if (depth == 0)
        act();
    else
        here[1] = (char)descend(here, depth - 1, act);
    return here[0] + here[1];
}

static void *descend_and_report(void *unused) {
    volatile char top[200] = {0};
    descend(top, DEPTH, report_without_outer_frames);
    report_without_name();
    return unused;
}

int main(void) {
    void *libc = dlopen("libc.so.6", RTLD_LAZY);
    CHECK(libc != NULL);
    CHECK_EQUAL(dlinfo(libc, RTLD_DI_LINKMAP, &libc_map), 0);
    CHECK_EQUAL(pipe(report_pipe), 0);
    dup2(report_pipe[1], STDERR_FILENO);
    run_in_thread(descend_and_report, NULL);
    return 0;
}
