#include "process/helper_thread.h"

#include <errno.h>
#include <signal.h>

/* Held by the first thread until it ends; the kernel marks it then. */
static UNTOUCHED pthread_mutex_t first_thread;
static UNTOUCHED sigset_t first_mask;

RARE void helper_thread_first(void) {
    pthread_mutexattr_t robust;
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&first_thread, &robust);
    pthread_mutexattr_destroy(&robust);
    pthread_mutex_lock(&first_thread);
    pthread_sigmask(SIG_BLOCK, NULL, &first_mask);
}

/* Each that finds it free leaves it so for the others. */
static bool found_free(int error) {
    if (error == EOWNERDEAD) error = pthread_mutex_consistent(&first_thread);
    if (error == 0) pthread_mutex_unlock(&first_thread);
    return error == 0;
}

bool helper_thread_orphaned(void) { return found_free(pthread_mutex_trylock(&first_thread)); }

void helper_thread_wait_for_first(void) { found_free(pthread_mutex_lock(&first_thread)); }

static bool create(pthread_t *thread, size_t stack, void *(*run)(void *)) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack);
    int error = pthread_create(thread, &attributes, run, NULL);
    pthread_attr_destroy(&attributes);
    return error == 0 || pthread_create(thread, NULL, run, NULL) == 0;
}

/* Not with os_block_signals: libc's own signals, by which setuid reaches every thread, must come
 * through. */
RARE bool helper_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *)) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = create(thread, stack, run);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void helper_thread_unblock_signals(void) { pthread_sigmask(SIG_SETMASK, &first_mask, NULL); }
