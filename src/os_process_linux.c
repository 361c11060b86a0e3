/* The contract of os_process.h on Linux. System calls by number: programs replace libc's names. */
#include "os_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os.h"

/* No flag, so that everything is copied, and no signal at its end: such a child is none that
 * wait(2) knows without __WCLONE. */
int os_copy_process(void) {
    long copy = syscall(SYS_clone, 0l, 0l, 0l, 0l, 0l);
    if (copy == 0) syscall(SYS_prctl, PR_SET_PDEATHSIG, (long)SIGKILL, 0l, 0l, 0l);
    return (int)copy;
}

int os_await_copy(int copy) {
    int status;
    while (syscall(SYS_wait4, copy, &status, __WCLONE, NULL) != copy)
        if (errno != EINTR) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

_Noreturn void os_end_copy(int status) {
    for (;;) syscall(SYS_exit_group, (long)status);
}

/* ---- threads ---- */

struct entry_head {
    uint64_t inode, offset;
    unsigned short bytes;
    unsigned char type;
    char name[];
};

static int thread_number(const char *name) {
    int number = 0;
    for (; *name >= '0' && *name <= '9'; name++) number = number * 10 + (*name - '0');
    return number;
}

bool os_each_thread(void (*call)(void *to, int thread), void *to) {
    _Alignas(struct entry_head) char entries[4096];
    long n, fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/task",
                         O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return false;
    while ((n = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0) {
        for (long at = 0; at < n;) {
            const struct entry_head *entry = (const void *)(entries + at);
            int thread = thread_number(entry->name);
            if (thread != 0) call(to, thread);
            at += entry->bytes;
        }
    }
    syscall(SYS_close, fd);
    return n == 0;
}

bool os_signal_thread(int thread, int signal) {
    return syscall(SYS_tgkill, (long)os_process_id(), (long)thread, (long)signal) == 0;
}

bool os_thread_is_gone(int thread) { return !os_signal_thread(thread, 0) && errno == ESRCH; }

/* ---- signals ---- */

/* On the alternate stack where a thread has one: its own may be small. */
bool os_take_signal(int signal, os_signal_handler handler) {
    struct sigaction now,
        ours = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigfillset(&ours.sa_mask);
    return sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_DFL &&
           sigaction(signal, &ours, NULL) == 0;
}

/* Ignored first: with that the kernel drops those that wait, which by default would kill. */
void os_leave_signal(int signal, os_signal_handler handler) {
    struct sigaction now, none = {.sa_handler = SIG_IGN};
    if (sigaction(signal, NULL, &now) != 0 || now.sa_sigaction != handler) return;
    sigaction(signal, &none, NULL);
    none.sa_handler = SIG_DFL;
    sigaction(signal, &none, NULL);
}

void os_catch_faults(os_signal_handler handler) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER};
    uint64_t faults = (uint64_t)1 << (SIGSEGV - 1) | (uint64_t)1 << (SIGBUS - 1);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &faults, NULL, 8l);
}

/* ---- files, sleeping, time ---- */

int os_open_read(const char *path) {
    return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

bool os_read_at(int fd, void *buffer, size_t bytes, uint64_t offset) {
    return syscall(SYS_pread64, fd, buffer, bytes, offset) == (long)bytes;
}

void os_wake_all(_Atomic int *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

int64_t os_exact_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
