/* Interrupts the calling thread by a timer signal, at arbitrary points. */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include "check.h"

#include <signal.h>
#include <sys/time.h>

static inline void interrupt_every(int microseconds) {
    struct itimerval interval = {{0, microseconds}, {0, microseconds}};
    CHECK_EQUAL(setitimer(ITIMER_REAL, &interval, NULL), 0);
}

static inline void interrupt_with(void (*handler)(int)) {
    struct sigaction action = {0};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
}

/* Threads inherit the setting of the thread that starts them. */
static inline void set_interrupts_blocked(int blocked) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    CHECK_EQUAL(sigprocmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL), 0);
}

#endif
