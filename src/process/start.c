/* Starts the library at load time, and again in the child of a fork. */
#include <errno.h>
#include <pthread.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "base/text.h"
#include "check/verify.h"
#include "guard/guard.h"
#include "heap/decay.h"
#include "heap/heap_enter.h"
#include "heap/purge_thread.h"
#include "heap/repair.h"
#include "leak/leak.h"
#include "os/helper_thread.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "os/os_thread.h"
#include "os/thread_id.h"
#include "pages/purge.h"
#include "pages/space.h"
#include "process/calls.h"
#include "process/control.h"
#include "process/error_text.h"
#include "process/mtrace.h"
#include "process/options.h"
#include "process/start.h"
#include "process/summary.h"
#include "profile/profile.h"
#include "report/fault.h"
#include "report/log.h"
#include "report/report.h"
#include "trace/trace_session.h"

static void start_helpers(void) {
    if (!settings.purge_thread && !settings.control) return;
    helper_thread_first();
    if (settings.purge_thread) purge_thread_start();
    if (settings.control) control_start();
}

static void start_before_fork(void) {
    calls_before_fork();
    trace_before_fork();
}

/* No lock is held across fork, and no heap is prepared for it. In the child only the calling thread
 * continues, and it repairs what the other threads were changing. */
static void start_after_fork(void) {
    repair_after_fork();
    guard_after_fork();
    heap_after_fork();
    decay_after_fork();
    thread_id_after_fork();
    report_after_fork();
    fault_after_fork();
    verify_after_fork();
    summary_after_fork();
    control_after_fork();
    leak_after_fork();
    mtrace_after_fork();
    profile_after_fork();
    trace_after_fork();
    start_helpers();
}

__attribute__((destructor(102))) static void start_verify_at_exit(void) { verify_at_exit(); }

/* The GNU C library links pthread_atfork into each object that uses it, and exports only the
 * function that it calls, __register_atfork. musl, into which this library can also be preloaded,
 * has only pthread_atfork. api/process_fork.c replaces the former. */
#ifdef MALLOW_PRELOAD
#    include <dlfcn.h>
typedef void (*start_fork_handler)(void);
extern void *__dso_handle;

void start_register_for_fork(void) {
    int (*glibc)(start_fork_handler, start_fork_handler, start_fork_handler, void *);
    int (*musl)(start_fork_handler, start_fork_handler, start_fork_handler);
    *(void **)&glibc = dlsym(RTLD_NEXT, "__register_atfork");
    if (glibc != NULL) {
        glibc(start_before_fork, NULL, start_after_fork, __dso_handle);
    } else {
        *(void **)&musl = dlsym(RTLD_DEFAULT, "pthread_atfork");
        if (musl != NULL) musl(start_before_fork, NULL, start_after_fork);
    }
}
#else
void start_register_for_fork(void) { pthread_atfork(start_before_fork, NULL, start_after_fork); }
#endif

static void start_profile(void) {
    char line[256];
    int error = profile_start();
    if (error == 0) return;
    struct text t = {.buffer = line, .size = sizeof line};
    text_add(&t, "mallow: no profile is written: ");
    text_add(&t, error == EWOULDBLOCK ? "another process writes to the file" : error_text(error));
    log_line(&t);
}

/* Starts at load time, not at the first allocation, which may come from a signal handler, from the
 * loader or from inside fork. */
__attribute__((constructor(101))) static void start_library(void) {
    os_thread_learn();
    options_read();
#ifdef MALLOW_PRELOAD
    space_start(); /* before the program can restrict its system calls */
#else
    start_register_for_fork(); /* api/process_fork.c */
#endif
    purge_read_group();
    start_helpers();
    leak_start();
    start_profile();
    os_coarse_ns(); /* finds the clock while that code is in memory */
}

/* Gives back the memory of the code and the constants that only the start needs. Whatever needs
 * them later reads them from the file again. */
__attribute__((constructor(65534))) static void start_release_pages(void) {
#ifdef MALLOW_PLACED
    extern char placement_start_begin[] __attribute__((visibility("hidden")));
    extern char placement_start_end[] __attribute__((visibility("hidden")));
    uintptr_t begin = round_up((uintptr_t)placement_start_begin, os_page_size());
    uintptr_t end = (uintptr_t)placement_start_end & ~(os_page_size() - 1);
    if (begin < end) os_purge((void *)begin, end - begin);
#endif
}
