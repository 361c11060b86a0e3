/*
 * In check=hard a slab ends with an inaccessible guard page. An access there is reported as an
 * overflow of the last block before it, and with on_error=report the program continues.
 */
#include "child_report.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>

enum { GRANULE = 65536, SIZE = 5000 };

static char report[4096];

/* Returns the end of the block's slab, which has one granule. */
static char *end_of_slab(const char *block) {
    return (char *)(((uintptr_t)block | (GRANULE - 1)) + 1);
}

static char *guard_page_of(const char *block) { return end_of_slab(block) - sysconf(_SC_PAGESIZE); }

static void write_past_end(const void *unused) {
    (void)unused;
    char *block = malloc(SIZE);
    *(volatile char *)guard_page_of(block) = 1;
}

static void *volatile sink;

static void read_from_block_on(const void *unused) {
    (void)unused;
    char *block = malloc(SIZE);
    memset(block, 1, SIZE);
    for (volatile char *p = block; p < end_of_slab(block); p++) sink = (void *)(uintptr_t)*p;
}

static void on_fault(int signal) { _exit(40 + signal); }

/* The program's own handler still receives all other faults. */
static void fault_elsewhere(const void *unused) {
    (void)unused;
    signal(SIGSEGV, on_fault);
    char *volatile nowhere = (char *)(uintptr_t)16;
    sink = malloc(SIZE);
    *(volatile char *)nowhere = 1;
}

static int run(void (*act)(const void *)) {
    return run_with_report(act, NULL, report, sizeof report);
}

static void check_report(const char *access) {
    CHECK(strncmp(report, "mallow: heap overflow of ", 25) == 0);
    CHECK(strstr(report, "after the end of a block of 5000 bytes, thread ") != NULL);
    CHECK(strstr(report, access) != NULL);
}

int main(int argc, char **argv) {
    int continues = argc == 2 && strcmp(argv[1], "report") == 0;
    int ends[] = {run(write_past_end), 0};
    check_report(", write at offset ");
    ends[1] = run(read_from_block_on);
    check_report(", read at offset ");
    for (int i = 0; i < 2; i++)
        CHECK(continues ? ends[i] == 0 : WIFSIGNALED(ends[i]) && WTERMSIG(ends[i]) == SIGABRT);
    int status = run(fault_elsewhere);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 40 + SIGSEGV);
    return 0;
}
