#include "helper_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#define STACK (64 * KIB)

/* Held by the first thread until it ends; the kernel marks it then. */
static pthread_mutex_t first_thread;

RARE void helper_thread_first(void) {
    pthread_mutexattr_t robust;
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&first_thread, &robust);
    pthread_mutexattr_destroy(&robust);
    pthread_mutex_lock(&first_thread);
}

bool helper_thread_orphaned(void) {
    if (pthread_mutex_trylock(&first_thread) != EOWNERDEAD) return false;
    pthread_mutex_consistent(&first_thread);
    pthread_mutex_unlock(&first_thread);
    return true;
}

/* On a small stack, or one of the usual size where thread-local variables would fill that. */
static int create(pthread_t *thread, void *(*run)(void *)) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    int error = pthread_create(thread, &attributes, run, NULL);
    pthread_attr_destroy(&attributes);
    return error == 0 ? 0 : pthread_create(thread, NULL, run, NULL);
}

RARE bool helper_thread_start(void *(*run)(void *)) {
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = create(&thread, run) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) pthread_detach(thread);
    return started;
}
