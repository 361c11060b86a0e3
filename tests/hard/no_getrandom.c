/* When the kernel refuses getrandom, addresses are still random: no two runs have the same. */
#include "check.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { RUNS = 60, SKIPPED = 77 };

static bool refuse_getrandom(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void *place_in_a_run(char **argv) {
    int ends[2];
    void *place = NULL;
    CHECK_EQUAL(pipe(ends), 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl("/proc/self/exe", argv[0], "run", (char *)NULL);
        _exit(1);
    }
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
    CHECK_EQUAL(read(ends[0], &place, sizeof(place)), (ssize_t)sizeof(place));
    close(ends[0]);
    close(ends[1]);
    return place;
}

int main(int argc, char **argv) {
    static void *places[RUNS];
    if (argc > 1) {
        void *place = malloc(100);
        CHECK_EQUAL(write(STDOUT_FILENO, &place, sizeof(place)), (ssize_t)sizeof(place));
        return 0;
    }
    if (!refuse_getrandom()) return SKIPPED;
    for (int i = 0; i < RUNS; i++) {
        places[i] = place_in_a_run(argv);
        for (int j = 0; j < i; j++) CHECK(places[j] != places[i]);
    }
}
