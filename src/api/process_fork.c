/*
 * Replaces fork, and the functions of libc that fork without calling it by name, so that the
 * library's fork handlers are registered with libc only when the process forks for the first time.
 * libc's code and data for fork handlers lie on pages that few programs use otherwise: registering
 * at the start would bring up to 128 KiB of libc's file into each process.
 *
 * The library's handlers come before those of the program, which may allocate in the child. The
 * function by which libraries register theirs is therefore replaced too.
 */
#include "base/compiler.h"

#ifdef MALLOW_PRELOAD

#    include <dlfcn.h>
#    include <errno.h>
#    include <pty.h>
#    include <stdatomic.h>
#    include <stdbool.h>
#    include <stddef.h>
#    include <unistd.h>

#    include "api/process_fork.h"
#    include "heap/mode.h"
#    include "os/lock.h"
#    include "process/start.h"

/* Signals are blocked while the handlers are registered, so no signal handler that forks finds this
 * lock held by its own thread. */
void process_fork_register(void) {
    static struct lock lock;
    static _Atomic bool done;
    if (atomic_load_explicit(&done, memory_order_acquire)) return;
    lock_take(&lock);
    if (!atomic_load_explicit(&done, memory_order_relaxed)) start_register_for_fork();
    atomic_store_explicit(&done, true, memory_order_release);
    lock_drop(&lock);
}

static pid_t (*process_fork_next)(void);

static pid_t process_fork(void) {
    process_fork_register();
    if (process_fork_next == NULL) *(void **)&process_fork_next = dlsym(RTLD_NEXT, "fork");
    if (process_fork_next != NULL) return process_fork_next();
    errno = ENOSYS;
    return -1;
}

EXPORT pid_t fork(void) { return process_fork(); }
extern pid_t __fork(void);
EXPORT pid_t __fork(void) { return process_fork(); }
extern __typeof(fork) process_fork_own __attribute__((alias("fork"), visibility("hidden")));

/* The modes that check blocks wait for locks without limit, so the child must be repaired even if
 * the program finds libc's own fork. */
__attribute__((constructor(104))) static void process_fork_prepare(void) {
    pid_t (*volatile bound)(void) = fork; /* by the loader: perhaps another library's */
    if (bound != process_fork_own || !mode_is_plain()) process_fork_register();
    *(void **)&process_fork_next = dlsym(RTLD_NEXT, "fork");
}

EXPORT int daemon(int keep_directory, int keep_streams) {
    int (*next)(int, int);
    process_fork_register();
    *(void **)&next = dlsym(RTLD_NEXT, "daemon");
    if (next != NULL) return next(keep_directory, keep_streams);
    errno = ENOSYS;
    return -1;
}

EXPORT int forkpty(int *terminal, char *name, const struct termios *mode,
                   const struct winsize *size) {
    int (*next)(int *, char *, const struct termios *, const struct winsize *);
    process_fork_register();
    *(void **)&next = dlsym(RTLD_NEXT, "forkpty");
    if (next != NULL) return next(terminal, name, mode, size);
    errno = ENOSYS;
    return -1;
}

typedef void (*process_fork_handler)(void);

/* pthread_atfork is part of each object that uses it, and calls this function. */
extern int __register_atfork(process_fork_handler, process_fork_handler, process_fork_handler,
                             void *);
EXPORT int __register_atfork(process_fork_handler prepare, process_fork_handler parent,
                             process_fork_handler child, void *object) {
    int (*next)(process_fork_handler, process_fork_handler, process_fork_handler, void *);
    process_fork_register();
    *(void **)&next = dlsym(RTLD_NEXT, "__register_atfork");
    return next != NULL ? next(prepare, parent, child, object) : ENOSYS;
}

#endif
