/*
 * Emulators and some system call filters do not implement set_robust_list, so the kernel does not
 * mark the locks of ended threads. The memory of ended threads is still found and reused.
 *     no_thread_list refused|faked sequence     threads one after another need no more memory
 *     no_thread_list refused|faked together     malloc_trim returns the memory of ended threads
 * refused: set_robust_list fails. faked: it succeeds, but does nothing.
 */
#include "check.h"
#include "resident.h"
#include "threads.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { THREADS = 1000, BLOCKS = 400, AT_ONCE = 12, SLACK = 4 << 20, SKIPPED = 77 };

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

static bool filter_call(int error) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_set_robust_list, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Runs this program again. Returns its resident memory, which it prints. */
static size_t run_itself(char **argv, int error) {
    int ends[2];
    char text[32] = "";
    CHECK_EQUAL(pipe(ends), 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        if (error >= 0 && !filter_call(error)) _exit(SKIPPED);
        execl("/proc/self/exe", argv[0], "run", argv[2], (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    for (size_t have = 0; have < sizeof(text) - 1;) {
        ssize_t n = read(ends[0], text + have, sizeof(text) - 1 - have);
        if (n <= 0) break;
        have += (size_t)n;
    }
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) _exit(SKIPPED);
    CHECK_EQUAL(status, 0);
    return strtoul(text, NULL, 10);
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 3);
    if (strcmp(argv[1], "run") == 0) {
        bool sequence = strcmp(argv[2], "sequence") == 0;
        dprintf(STDOUT_FILENO, "%zu", sequence ? run_in_sequence() : run_together());
        return 0;
    }
    size_t usual = run_itself(argv, -1);
    size_t without = run_itself(argv, strcmp(argv[1], "faked") == 0 ? 0 : ENOSYS);
    dprintf(STDOUT_FILENO, "%zu KiB usually, %zu KiB without the list\n", usual >> 10,
            without >> 10);
    CHECK(without < usual + SLACK);
}
