#include "child.h"

#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

static const int forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

static sigset_t watched_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++)
        sigaddset(&signals, forwarded[i]);
    return signals;
}

static bool has_ended(pid_t child, int *status) {
    pid_t ended = waitpid(child, status, WNOHANG);
    if (ended < 0) err(EXIT_OWN_FAILURE, "cannot wait for the program");
    return ended == child;
}

/* What a terminal sends reaches the child without us: it goes to the whole process group. */
static bool is_sent_to_us_alone(const siginfo_t *info) { return info->si_code <= 0; }

/* The signals are blocked, so each waits until it is taken here and no handler is needed. */
static int wait_for(pid_t child, const sigset_t *signals) {
    for (;;) {
        siginfo_t info;
        int status;
        int signal = sigwaitinfo(signals, &info);
        if (signal == SIGCHLD && has_ended(child, &status)) return status;
        if (signal > 0 && signal != SIGCHLD && is_sent_to_us_alone(&info)) kill(child, signal);
    }
}

static int exit_status(int status) {
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    int signal = WTERMSIG(status);
    /* A shell would say so if this process died of the signal itself. */
    if (signal != SIGINT && signal != SIGPIPE)
        warnx("the program was killed by signal %d (%s)", signal, strsignal(signal));
    return 128 + signal;
}

int child_run(void (*start)(const void *argument), const void *argument) {
    struct sigaction inherited;
    struct sigaction by_default = {.sa_handler = SIG_DFL};
    sigset_t inherited_mask;
    sigset_t signals = watched_signals();

    /* With SIGCHLD ignored, as some parents leave it, there would be nothing to wait for. */
    sigaction(SIGCHLD, &by_default, &inherited);
    sigprocmask(SIG_BLOCK, &signals, &inherited_mask);
    pid_t child = fork();
    if (child < 0) err(EXIT_OWN_FAILURE, "cannot fork");
    if (child == 0) {
        sigaction(SIGCHLD, &inherited, NULL);
        sigprocmask(SIG_SETMASK, &inherited_mask, NULL);
        start(argument);
    }
    return exit_status(wait_for(child, &signals));
}
