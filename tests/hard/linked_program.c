/* Threads, fork and the public names work in a program that is linked with the library, statically
 * or dynamically. */
#include "check.h"
#include "churn.h"
#include "processes.h"
#include "threads.h"

#include <mallow.h>

static void *some_churn(void *seed) {
    struct churn churn = {.random = (uintptr_t)seed};
    churn_steps(&churn, 20000);
    churn_finish(&churn);
    return NULL;
}

/* libc's free would abort if it were called with a block of the library. */
static void both_names_are_one_heap(void) {
    free(mallow_malloc(100));
    free(mallow_calloc(10, 10));
    free(mallow_realloc(malloc(10), 100));
    free(mallow_memalign(64, 100));
    mallow_free(malloc(100));
    void *block = malloc(100);
    CHECK(mallow_usable_size(block) >= 100);
    mallow_free(block);
}

int main(void) {
    both_names_are_one_heap();
    some_churn((void *)1);
    pthread_t thread = start_thread(some_churn, (void *)2);
    pid_t child = start_child();
    if (child == 0) {
        some_churn((void *)3);
        run_in_thread(some_churn, (void *)4);
        _exit(EXIT_SUCCESS);
    }
    check_child_succeeds(child);
    join_thread(thread);
}
