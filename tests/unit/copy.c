/* A copy of the process ends when its parent dies, even if the parent dies before the copy has
 * asked for a signal at its parent's death. */
#include "bodies.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "os/os_process.h"

/* Makes each prctl(PR_SET_PDEATHSIG) wait until it is answered at the returned descriptor. Returns
 * -1 if the kernel refuses. */
static int hold_prctl(void) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_PDEATHSIG, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &filter);
}

/* Runs the parent of the copy, which waits to be killed. The copy holds the pipe open. */
static void be_parent(int to_test, int pipe_end) {
    int held = hold_prctl();
    CHECK_EQUAL(write(to_test, &held, sizeof held), sizeof held);
    if (held < 0) _exit(0);
    int copy = os_copy_process();
    if (copy == 0) {
        CHECK_EQUAL(write(pipe_end, "on", 2), 2);
        for (;;) pause();
    }
    for (;;) pause();
}

/* Duplicates the descriptor `number` of another process. */
static int take_descriptor(pid_t process, int number) {
    int pidfd = (int)syscall(SYS_pidfd_open, process, 0);
    int fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
    close(pidfd);
    return fd;
}

static void a_copy_whose_parent_has_died_ends(void) {
    int numbers[2], ends[2], held;
    char text[2];
    CHECK(pipe(numbers) == 0 && pipe(ends) == 0);
    pid_t parent = fork();
    if (parent == 0) be_parent(numbers[1], ends[1]);
    close(ends[1]);
    CHECK_EQUAL(read(numbers[0], &held, sizeof held), sizeof held);
    int notices = held < 0 ? -1 : take_descriptor(parent, held);
    if (notices < 0) {
        kill(parent, SIGKILL);
        printf("left out: the kernel does not report system calls\n");
        return;
    }
    struct seccomp_notif notice = {0};
    CHECK_EQUAL(ioctl(notices, SECCOMP_IOCTL_NOTIF_RECV, &notice), 0);
    kill(parent, SIGKILL);
    CHECK_EQUAL(waitpid(parent, NULL, 0), parent);
    struct seccomp_notif_resp go_on = {.id = notice.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    CHECK_EQUAL(ioctl(notices, SECCOMP_IOCTL_NOTIF_SEND, &go_on), 0);
    ssize_t bytes = read(ends[0], text, sizeof text); /* end of file when the copy has ended */
    if (bytes != 0) kill((pid_t)notice.pid, SIGKILL);
    CHECK_EQUAL(bytes, 0);
}

int main(void) {
    struct body bodies[] = {BODY(a_copy_whose_parent_has_died_ends)};
    return run_bodies(bodies);
}
