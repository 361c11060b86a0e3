/*
 * An error is reported whatever can be read of the stack: part of it became inaccessible after the
 * stack was read before, or what the loader says of objects is nonsense. Errors are reported alone.
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

static char said[65536];
static int said_by[2];
static struct link_map *libc_map;

static void free_twice(void) {
    void *volatile block = malloc(40);
    free(block);
    free(block);
}

/* What a second free has said since the last time. */
static void read_report(void) {
    ssize_t length = read(said_by[0], said, sizeof said - 1);
    CHECK(length > 0);
    said[length] = '\0';
    CHECK(strncmp(said, "mallow: double free of ", 23) == 0);
    CHECK(strstr(said, "\n    #0 0x") != NULL);
}

static size_t frames_said(void) {
    size_t count = 0;
    for (const char *at = said; (at = strstr(at, "\n    #")) != NULL; at++) count++;
    return count;
}

static void report_without_outer_frames(void) {
    char *page = (char *)((uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)4095) + AWAY;
    free_twice();
    read_report();
    size_t whole = frames_said();
    CHECK_EQUAL(mprotect(page, AWAY, PROT_NONE), 0);
    free_twice();
    CHECK_EQUAL(mprotect(page, AWAY, PROT_READ | PROT_WRITE), 0);
    read_report();
    CHECK(frames_said() > 10 && frames_said() <= whole);
}

static void report_without_name(void) {
    char *name = libc_map->l_name;
    free_twice();
    read_report();
    size_t whole = frames_said();
    CHECK(strstr(said, name) != NULL);
    libc_map->l_name = (char *)(uintptr_t)16;
    free_twice();
    libc_map->l_name = name;
    read_report();
    CHECK(strstr(said, name) == NULL);
    CHECK_EQUAL(frames_said(), whole);
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
    CHECK_EQUAL(pipe(said_by), 0);
    dup2(said_by[1], STDERR_FILENO);
    run_in_thread(descend_and_report, NULL);
    return 0;
}
