/* The program break is the program's: neither the library's start nor any allocation moves it. */
#define _GNU_SOURCE
#include "check.h"
#include "churn.h"

#include <unistd.h>

/* The break as it was when the program was executed: field 47 of the process's status. */
static uintptr_t initial_break(void) {
    unsigned long start_brk = 0;
    FILE *file = fopen("/proc/self/stat", "r");
    CHECK(file != NULL);
    CHECK_EQUAL(fscanf(file, "%*[^)])"), 0); /* The first two fields. */
    for (int field = 3; field < 47; field++) CHECK_EQUAL(fscanf(file, " %*s"), 0);
    CHECK_EQUAL(fscanf(file, "%lu", &start_brk), 1);
    fclose(file);
    return start_brk;
}

int main(void) {
    if (!running_on_mallow()) skip("the system's malloc moves the break");
    static struct churn churn = {.random = 1};
    churn_steps(&churn, 10000);
    CHECK((uintptr_t)sbrk(0) == initial_break());
    CHECK(sbrk(4096) != (void *)-1);
    churn_steps(&churn, 10000);
    churn_finish(&churn);
}
