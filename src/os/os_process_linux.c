/* Implements os_process.h on Linux. It makes system calls by number, because programs replace
 * libc's functions and preloaded libraries wrap them. */
#include "os/os_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/compiler.h"
#include "os/os.h"
#include "os/os_call.h"

#ifndef PR_SET_VMA
#    define PR_SET_VMA 0x53564d41
#    define PR_SET_VMA_ANON_NAME 0
#endif

#define STATUS_NOT_RUN 127

static int os_process_parse_number(const char *name) {
    int number = 0;
    for (; *name >= '0' && *name <= '9'; name++) number = number * 10 + (*name - '0');
    return number;
}

/* If the parent has ended before the prctl, no signal will be sent. */
static void os_process_die_with(int parent) {
    call_errno(SYS_prctl, PR_SET_PDEATHSIG, (long)SIGKILL, 0l, 0l, 0l);
    if (call_errno(SYS_getppid) != parent) os_end_copy(STATUS_NOT_RUN);
}

/* Without flags, everything is copied and no signal is sent at the end. wait(2) ignores such a
 * child unless __WCLONE is set. */
int os_copy_process(void) {
    int parent = os_process_id();
    long copy = call_errno(SYS_clone, 0l, 0l, 0l, 0l, 0l);
    if (copy == 0) os_process_die_with(parent);
    return (int)copy;
}

int os_await_copy(int copy) {
    int status;
    while (call_errno(SYS_wait4, copy, &status, __WALL, NULL) != copy)
        if (errno != EINTR) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

_Noreturn void os_end_copy(int status) {
    for (;;) call_errno(SYS_exit_group, (long)status);
}

#ifndef SYS_close_range
#    define SYS_close_range 436
#endif

/* ---- another program ---- */

#define FILE_BYTES (1u << 20) /* larger than any text that is passed to a filter */
#define CHILD_STACK ((size_t)64 << 10)

int os_memory_file(void) {
    struct rlimit limit = {0};
    if (call_errno(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) != 0 ||
        limit.rlim_cur < FILE_BYTES)
        return -1;
    return (int)call_errno(SYS_memfd_create, "mallow", MFD_CLOEXEC);
}

struct os_process_filter {
    const char *path, *argument;
    int program, from, to;
    int milliseconds;
    int parent;  /* parent of the process that waits for the program */
    char *stack; /* for the process that executes the program */
};

#define PROGRAM_FD 3 /* stays open, because the interpreter reads a script through it */

void os_find_program(struct os_program *program, const char *path) {
    program->path = os_find_file(path, &program->file) ? path : NULL;
    if (program->path != NULL) os_close(program->file.fd);
}

/* Returns a descriptor of the program's file, or -1 if the path now refers to another file. */
static int os_process_open_program(const struct os_program *program) {
    struct os_file now;
    if (program->path == NULL || !os_find_file(program->path, &now)) return -1;
    if (os_is_same_file(&now, &program->file)) return now.fd;
    os_close(now.fd);
    return -1;
}

/* Moves the descriptors to free numbers first, so that they do not overwrite each other, and then
 * to their final numbers without CLOEXEC. */
static bool os_process_place_descriptors(const struct os_process_filter *run) {
    const int wanted[] = {run->from, run->to, run->to, run->program};
    long moved[PROGRAM_FD + 1];
    for (long fd = 0; fd <= PROGRAM_FD; fd++) {
        moved[fd] = call_errno(SYS_fcntl, wanted[fd], F_DUPFD, PROGRAM_FD + 1l);
        if (moved[fd] < 0) return false;
    }
    for (long fd = 0; fd <= PROGRAM_FD; fd++)
        if (call_errno(SYS_dup3, moved[fd], fd, 0l) != fd) return false;
    call_errno(SYS_close_range, PROGRAM_FD + 1l, (long)INT_MAX, 0l);
    return true;
}

/* Called in a new process, so that no handler of the program can run there. */
static void os_process_reset_signals(void) {
    static const uint64_t by_default[4]; /* the kernel's struct sigaction with SIG_DFL */
    for (long signal = 1; signal < NSIG; signal++)
        call_errno(SYS_rt_sigaction, signal, by_default, NULL, 8l);
}

static int os_process_execute_filter(void *argument) {
    static const char *const no_environment[] = {NULL};
    static const uint64_t no_signals = 0;
    const struct os_process_filter *run = argument;
    const char *arguments[] = {run->path, run->argument, NULL};
    call_errno(SYS_prctl, PR_SET_PDEATHSIG, (long)SIGKILL, 0l, 0l, 0l);
    os_process_reset_signals();
    call_errno(SYS_rt_sigprocmask, (long)SIG_SETMASK, &no_signals, NULL, 8l);
    if (os_process_place_descriptors(run))
        call_errno(SYS_execveat, (long)PROGRAM_FD, "", arguments, no_environment,
                   (long)AT_EMPTY_PATH);
    os_end_copy(STATUS_NOT_RUN);
}

/* Adds up its own pauses, because a clock may not advance. */
static int os_process_await_for(int child, int milliseconds) {
    for (int waited = 0, pause = 1; waited < milliseconds; waited += pause) {
        int status;
        long ended = call_errno(SYS_wait4, child, &status, WNOHANG | __WALL, NULL);
        if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_NOT_RUN;
        if (ended < 0) return STATUS_NOT_RUN;
        struct timespec time = {0, pause * 1000000l};
        call_errno(SYS_nanosleep, &time, NULL);
        if (pause < 32) pause *= 2;
    }
    call_errno(SYS_kill, child, (long)SIGKILL);
    os_await_copy(child);
    return STATUS_NOT_RUN;
}

/* execve(2) sets the signal that a child sends at its end to SIGCHLD. Therefore the program is the
 * child of an intermediate process, which this function runs, and not of the calling process. */
static int os_process_start_filter(void *argument) {
    struct os_process_filter *run = argument;
    os_process_die_with(run->parent);
    /* While SIGCHLD is ignored, children cannot be waited for. */
    os_process_reset_signals();
    int child = clone(os_process_execute_filter, run->stack, CLONE_VM | CLONE_VFORK | SIGCHLD, run);
    os_end_copy(child < 0 ? STATUS_NOT_RUN : os_process_await_for(child, run->milliseconds));
}

/* Both processes share this process's memory, because copying a large process takes time. This
 * thread waits meanwhile. */
static int os_process_run_filter(struct os_process_filter *run) {
    char *stacks = os_map((size_t)2 * CHILD_STACK);
    if (stacks == NULL) return -1;
    run->stack = stacks + CHILD_STACK;
    call_errno(SYS_lseek, run->from, 0l, SEEK_SET);
    int child =
        clone(os_process_start_filter, run->stack + CHILD_STACK, CLONE_VM | CLONE_VFORK, run);
    int status = child < 0 ? -1 : os_await_copy(child);
    os_unmap(stacks, (size_t)2 * CHILD_STACK);
    return status;
}

int os_run_filter(const struct os_program *program, const char *argument, int from, int to,
                  int milliseconds) {
    int fd = os_process_open_program(program);
    if (fd < 0) return -1;
    struct os_process_filter run = {.path = program->path,
                                    .argument = argument,
                                    .program = fd,
                                    .from = from,
                                    .to = to,
                                    .milliseconds = milliseconds,
                                    .parent = os_process_id()};
    int status = os_process_run_filter(&run);
    os_close(fd);
    return status;
}

void os_copy_file(int from, void (*to)(const char *bytes, size_t count)) {
    char part[512];
    long n;
    for (long at = 0; (n = call_errno(SYS_pread64, from, part, sizeof part, at)) > 0; at += n)
        to(part, (size_t)n);
}

/* Returns the number after the name in the thread's status, or 0 if there is none. */
static int os_process_number_in_status(const char *status, const char *name) {
    const char *at = strstr(status, name);
    if (at == NULL) return 0;
    for (at += strlen(name); *at == ' ' || *at == '\t';) at++;
    return os_process_parse_number(at);
}

/* Without /proc, prctl still shows if there are any filters. */
int os_call_filters(void) {
    static UNTOUCHED char status[4096];
    long mode = call_errno(SYS_prctl, PR_GET_SECCOMP, 0l, 0l, 0l, 0l);
    if (mode == 0 || (mode < 0 && errno == EINVAL)) return 0;
    long length = os_read_file("/proc/thread-self/status", status, sizeof status - 1);
    if (length <= 0) return -1;
    status[length] = '\0';
    return 1 + os_process_number_in_status(status, "\nSeccomp_filters:");
}

/* ---- threads ---- */

struct os_process_entry {
    uint64_t inode, offset;
    unsigned short bytes;
    unsigned char type;
    char name[];
};

bool os_each_thread(void (*call)(void *to, int thread), void *to) {
    _Alignas(struct os_process_entry) char entries[4096];
    long n, fd = call_errno(SYS_openat, AT_FDCWD, "/proc/self/task",
                            O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return false;
    while ((n = call_errno(SYS_getdents64, fd, entries, sizeof entries)) > 0) {
        for (long at = 0; at < n;) {
            const struct os_process_entry *entry = (const void *)(entries + at);
            int thread = os_process_parse_number(entry->name);
            if (thread != 0) call(to, thread);
            at += entry->bytes;
        }
    }
    call_errno(SYS_close, fd);
    return n == 0;
}

bool os_signal_thread(int thread, int signal) {
    return call_errno(SYS_tgkill, (long)os_process_id(), (long)thread, (long)signal) == 0;
}

bool os_thread_is_gone(int thread) { return !os_signal_thread(thread, 0) && errno == ESRCH; }

/* ---- signals ---- */

/* Uses the alternate stack of a thread that has one, because its own stack may be small. */
bool os_take_signal(int signal, os_signal_handler handler) {
    struct sigaction now,
        ours = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    memset(&ours.sa_mask, 0xff, sizeof ours.sa_mask);
    return os_signal_action(signal, NULL, &now) && now.sa_handler == SIG_DFL &&
           os_signal_action(signal, &ours, NULL);
}

/* Ignoring the signal first makes the kernel discard pending ones, which would kill the process if
 * the default action were set at once. */
void os_leave_signal(int signal, os_signal_handler handler) {
    struct sigaction now, none = {.sa_handler = SIG_IGN};
    if (!os_signal_action(signal, NULL, &now) || now.sa_sigaction != handler) return;
    os_signal_action(signal, &none, NULL);
    none.sa_handler = SIG_DFL;
    os_signal_action(signal, &none, NULL);
}

void os_catch_faults(os_signal_handler handler) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER};
    uint64_t faults = (uint64_t)1 << (SIGSEGV - 1) | (uint64_t)1 << (SIGBUS - 1);
    os_signal_action(SIGSEGV, &action, NULL);
    os_signal_action(SIGBUS, &action, NULL);
    call_errno(SYS_rt_sigprocmask, SIG_UNBLOCK, &faults, NULL, 8l);
}

bool os_make_readable(void *start, size_t bytes) {
    return call_errno(SYS_mprotect, start, bytes, PROT_READ) == 0;
}

bool os_is_cached(void *page) {
    unsigned char cached = 1;
    return call_errno(SYS_mincore, page, os_page_size(), &cached) != 0 || (cached & 1) != 0;
}

void os_name_memory(void *start, size_t bytes, const char *name) {
    CALL(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, start, bytes, name);
}

bool os_find_resident(const void *start, size_t bytes, unsigned char *pages) {
    return CALL(SYS_mincore, start, bytes, pages) == 0;
}

/* ---- files, sleeping, time ---- */

int os_parent_id(void) { return (int)call_errno(SYS_getppid, 0); }

int os_open_read(const char *path) {
    return (int)call_errno(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

bool os_read_at(int fd, void *buffer, size_t bytes, uint64_t offset) {
    return call_errno(SYS_pread64, fd, buffer, bytes, offset) == (long)bytes;
}

void os_wake_all(_Atomic int *word) {
    call_errno(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
