/*
 * The only pointers to some blocks are in shared memory that only this process has mapped, or on
 * pages that are currently inaccessible. Neither leak=exit nor "mallow leaks" reports the blocks as
 * lost. With an argument, the program prints "ready PID", waits for the end of standard input and
 * prints "well".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

enum { BLOCKS = 8, LARGE = 1 << 20 };

void *root;

static void *shared(int fd, size_t bytes) {
    CHECK(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(start != MAP_FAILED);
    return start;
}

static void *anonymous(int kind, size_t bytes) {
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    CHECK(start != MAP_FAILED);
    return start;
}

static int unnamed_file(void) {
    char name[64];
    snprintf(name, sizeof name, "/dev/shm/mallow-roots-%d", (int)getpid());
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    unlink(name);
    return fd;
}

static __attribute__((noinline)) void fill(void **at, size_t size) {
    for (int i = 0; i < BLOCKS; i++) at[i] = malloc(size);
}

static void leave_without_access(void **at, size_t bytes) {
    CHECK(mprotect(at, bytes, PROT_NONE) == 0);
}

static void serve(void) {
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    while (getchar() != EOF) continue;
    puts("well");
}

int main(int argc, char **argv) {
    (void)argv;
    void **far = shared(memfd_create("roots", 0), LARGE); /* Only resident pages are searched. */
    fill(shared(memfd_create("roots", 0), 4096), 100);
    fill(far + LARGE / sizeof *far / 2, 200);
    int fd = unnamed_file();
    if (fd >= 0) fill(shared(fd, 4096), 300);
    void **hidden = anonymous(MAP_PRIVATE, 4096), **large = anonymous(MAP_PRIVATE, LARGE);
    void **both = shared(memfd_create("roots", 0), 4096);
    fill(hidden, 400);
    fill(large + LARGE / sizeof *large / 2, 500);
    fill(both, 600);
    leave_without_access(hidden, 4096);
    leave_without_access(large, LARGE);
    leave_without_access(both, 4096);
    /* A heap block that holds the pointers to others. */
    void **block = aligned_alloc(65536, 65536);
    root = block;
    fill(block + 512, 700);
    leave_without_access(block, 65536);
    if (argc > 1) serve();
    return 0;
}
