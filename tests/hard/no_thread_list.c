/*
 * Emulators and some system call filters do not implement set_robust_list, so the kernel does not
 * mark the locks of ended threads. The memory of ended threads is still found and reused.
 *     no_thread_list refused|faked sequence     threads one after another need no more memory
 *     no_thread_list refused|faked together     malloc_trim returns the memory of ended threads
 * refused: set_robust_list fails. faked: it succeeds, but does nothing.
 */
#include "check.h"
#include "rerun.h"
#include "resident.h"
#include "seccomp.h"
#include "threads.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/syscall.h>

enum { THREADS = 1000, BLOCKS = 400, AT_ONCE = 12, SLACK = 4 << 20 };

static void *churn(void *together) {
    void *volatile blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) memset(blocks[i] = malloc(16 + i * 20), 1, 16);
    for (size_t i = 0; i < BLOCKS; i++) free(blocks[i]);
    if (together != NULL) pthread_barrier_wait(together);
    return NULL;
}

static size_t run_in_sequence(void) {
    for (int i = 0; i < THREADS; i++) run_in_thread(churn, NULL);
    return resident_bytes();
}

static size_t run_together(void) {
    pthread_barrier_t together;
    pthread_t threads[AT_ONCE];
    CHECK_EQUAL(pthread_barrier_init(&together, NULL, AT_ONCE), 0);
    for (int i = 0; i < AT_ONCE; i++) threads[i] = start_thread(churn, &together);
    for (int i = 0; i < AT_ONCE; i++) join_thread(threads[i]);
    malloc_trim(0);
    return resident_bytes();
}

static bool refuse_list(void) {
    return filter_call(SYS_set_robust_list, SECCOMP_RET_ERRNO | ENOSYS);
}

/* An error of 0 looks like a success. */
static bool fake_list(void) { return filter_call(SYS_set_robust_list, SECCOMP_RET_ERRNO | 0); }

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 3);
    size_t usual, without;
    if (strcmp(argv[1], "run") == 0) {
        usual = strcmp(argv[2], "sequence") == 0 ? run_in_sequence() : run_together();
        write_result(&usual, sizeof usual);
        return 0;
    }
    bool faked = strcmp(argv[1], "faked") == 0;
    run_again(NULL, argv[2], &usual, sizeof usual);
    run_again(faked ? fake_list : refuse_list, argv[2], &without, sizeof without);
    dprintf(STDOUT_FILENO, "%zu KiB usually, %zu KiB without the list\n", usual >> 10,
            without >> 10);
    CHECK(without < usual + SLACK);
}
