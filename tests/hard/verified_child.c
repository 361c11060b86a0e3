/* At its exit, a child of fork verifies the blocks that it has changed itself. Damage from before
 * the fork is left to the parent, which finds it later. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "processes.h"

enum { BLOCKS = 5000, SIZE = 40, VICTIM = 777 };

static char *blocks[BLOCKS];

/* Calls BEFORE in a child, which then exits. Returns the child's status. */
static int end_of_child(void (*before)(void)) {
    int status;
    pid_t child = start_child();
    if (child == 0) {
        close(STDERR_FILENO); /* Reports are expected here. */
        before();
        exit(0);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    return status;
}

static void add_to_end(int n) { *(volatile char *)(blocks[VICTIM] + SIZE) += (char)n; }

static void nothing(void) {}
static void overflow(void) { add_to_end(1); }
static void free_one(void) { free(blocks[0]); }

static bool reported(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT; }
static bool clean(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

int main(void) {
    int pagemap = open("/proc/self/pagemap", O_RDONLY);
    if (pagemap < 0) return STATUS_SKIPPED;
    close(pagemap);
    for (int i = 0; i < BLOCKS; i++) blocks[i] = malloc(SIZE);
    CHECK(clean(end_of_child(nothing)));
    CHECK(clean(end_of_child(free_one)));
    CHECK(reported(end_of_child(overflow)));
    add_to_end(1);
    CHECK(clean(end_of_child(nothing)));
    add_to_end(-1);
    for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
}
