#include "secret/process.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "base/failure.h"
#include "base/fault.h"
#include "secret/canary.h"
#include "secret/report.h"
#include "secret/runs.h"
#include "secret/slots.h"

static pthread_mutex_t process_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool process_watches_forks, process_has_canaries;

void process_enter(void) { pthread_mutex_lock(&process_mutex); }

void process_leave(void) { pthread_mutex_unlock(&process_mutex); }

/* The thread that forks holds the lock, so that the child finds no incomplete change. */
static void process_enter_child(void) {
    runs_enter_child();
    slots_enter_child();
    pthread_mutex_init(&process_mutex, NULL);
}

/* An access faults even if there is no handler to report it, so a missing handler is no error. */
bool process_prepare(const char *function) {
    struct mallow_error failure = {.result = MALLOW_NO_MEMORY, .function = function};
    int error = errno;
    if (!process_watches_forks) {
        failure.error = pthread_atfork(process_enter, process_leave, process_enter_child);
        failure.call = "pthread_atfork";
        if (failure.error != 0) return failure_set(failure), false;
        process_watches_forks = true;
    }
    if (!process_has_canaries) {
        failure = (struct mallow_error){.result = MALLOW_SYSTEM_ERROR, .function = function};
        failure.call = "getrandom";
        process_has_canaries = canary_choose();
        failure.error = errno;
        if (!process_has_canaries) return failure_set(failure), false;
    }
    fault_watch(report_fault);
    errno = error;
    return true;
}

/* Runs after the functions of atexit(3). A thread that still uses a secret faults. */
static void process_clear(struct secret_run *run) {
    if (atomic_load(&run->process) != runs_process()) return;
    run->reading = run->writing = 0;
    if (!runs_protect(run, MALLOW_SECRET_READ_WRITE)) return;
    explicit_bzero((void *)atomic_load(&run->low), atomic_load(&run->bytes));
    runs_protect(run, MALLOW_SECRET_CLOSED);
}

static __attribute__((destructor)) void process_exit(void) {
    process_enter();
    runs_visit(process_clear);
    process_leave();
}
