#include "launch/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_RING_SIZE 256u
#define PROBE_QUERY_SIGNAL SIGRTMAX /* of several pending signals, the highest is taken last */

/* In shared memory: the probe adds signals, the command takes them. */
struct probe_ring {
    uint32_t added, taken;
    struct probe_signal signals[PROBE_RING_SIZE];
};

static struct {
    pid_t process;
    struct probe_ring *ring;
} probe;

/* Changes the name and arguments of the probe: a sender that signals all processes called "mallow"
 * does not signal the program, so the probe must not receive that signal. */
static void probe_set_name(void) {
    char line[4096];
    prctl(PR_SET_NAME, PROBE_NAME);
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = 0;
    for (ssize_t n; fd >= 0 && (n = read(fd, line, sizeof line)) > 0;) bytes += n;
    if (fd >= 0) close(fd);
    if (bytes == 0) return;
    memset(program_invocation_name, 0, (size_t)bytes);
    strncpy(program_invocation_name, PROBE_NAME, (size_t)bytes - 1);
}

static void probe_add(int signal, pid_t sender) {
    struct probe_ring *ring = probe.ring;
    if (ring->added - __atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE) == PROBE_RING_SIZE) return;
    ring->signals[ring->added % PROBE_RING_SIZE] = (struct probe_signal){signal, sender};
    __atomic_store_n(&ring->added, ring->added + 1, __ATOMIC_RELEASE);
}

static _Noreturn void probe_run(pid_t command, const sigset_t *signals) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != command) _exit(0);
    probe_set_name();
    close_range(0, ~0u, 0);
    for (;;) {
        siginfo_t info;
        if (sigwaitinfo(signals, &info) <= 0 || info.si_code > 0) continue;
        bool is_query = info.si_signo == PROBE_QUERY_SIGNAL && info.si_pid == command;
        probe_add(is_query ? PROBE_REPLY : info.si_signo, info.si_pid);
        kill(command, SIGCHLD);
    }
}

bool probe_start(const sigset_t *signals) {
    pid_t command = getpid();
    sigset_t watched = *signals;
    sigdelset(&watched, SIGCHLD);
    void *ring =
        mmap(NULL, sizeof *probe.ring, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ring == MAP_FAILED) return false;
    probe.ring = ring;
    probe.process = fork();
    if (probe.process == 0) probe_run(command, &watched);
    return probe.process > 0;
}

bool probe_take(struct probe_signal *received) {
    struct probe_ring *ring = probe.ring;
    if (ring == NULL || ring->taken == __atomic_load_n(&ring->added, __ATOMIC_ACQUIRE))
        return false;
    *received = ring->signals[ring->taken % PROBE_RING_SIZE];
    __atomic_store_n(&ring->taken, ring->taken + 1, __ATOMIC_RELEASE);
    return true;
}

/* The probe's process ID is not reused as long as nothing has waited for the probe. */
bool probe_query(void) {
    siginfo_t info = {.si_pid = 0};
    if (probe.process <= 0) return false;
    waitid(P_PID, (id_t)probe.process, &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == 0 && kill(probe.process, PROBE_QUERY_SIGNAL) == 0;
}

void probe_stop(void) {
    if (probe.process <= 0) return;
    kill(probe.process, SIGKILL);
    waitpid(probe.process, NULL, 0);
}
