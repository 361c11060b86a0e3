#include "process/control.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/compiler.h"
#include "base/settings.h"
#include "base/text.h"
#include "os/helper_thread.h"
#include "os/os.h"
#include "os/os_service.h"
#include "process/control_request.h"
#include "process/page.h"
#include "report/log.h"

#define NAME_TRIES 20 /* attempts to listen while the name is taken */
#define PAUSE_MS 100
#define PAUSE_MAX_MS 512

static struct {
    pthread_t server;
    _Atomic int stopping;
    char name[48]; /* of the socket */
    size_t name_length;
} control;

/* The name is mallow.NAMESPACE.PID: a process ID is unique only within its PID namespace, and
 * several PID namespaces may share a network namespace. */
static void control_choose_name(void) {
    struct text t = {.buffer = control.name, .size = sizeof control.name};
    text_add(&t, "mallow.");
    text_add_number(&t, os_pid_namespace());
    text_add(&t, ".");
    text_add_number(&t, (uint64_t)os_process_id());
    control.name_length = t.length;
}

static bool control_is_stopping(void) {
    return atomic_load_explicit(&control.stopping, memory_order_seq_cst) != 0;
}

/* ---- the control thread ---- */

/* Sleeps for `ms` milliseconds, or until control_stop wakes the thread. */
static void control_sleep(int ms) { os_wait_for(&control.stopping, 0, ms * 1000000ll); }

/* Tries repeatedly, because the name may be taken: by the socket of the program that executed this
 * one, until the kernel has closed it, or by a process of another user. */
static int control_listen(void) {
    for (int i = 0; i < NAME_TRIES && !control_is_stopping(); i++) {
        int listener = os_listen(control.name, control.name_length);
        if (listener >= 0) return listener;
        control_sleep(PAUSE_MS);
    }
    return -1;
}

/* A signal that libc uses makes os_accept fail once. Without memory or descriptors it keeps
 * failing, and a waiting client would keep the thread busy, so the pauses grow. */
static int control_accept(int listener) {
    for (int pause = 1; !control_is_stopping(); pause = pause < PAUSE_MAX_MS ? 2 * pause : pause) {
        int client = os_accept(listener);
        if (client >= 0) return client;
        control_sleep(pause);
    }
    return -1;
}

static void *control_serve(void *unused) {
    (void)unused;
    os_name_thread("mallow");
    if (!os_own_descriptors()) return NULL;
    log_leave_table();
    int listener = control_listen();
    while (listener >= 0 && !control_is_stopping()) {
        int client = control_accept(listener);
        if (client >= 0 && !control_is_stopping()) control_request_serve(client);
        if (client >= 0) os_close(client);
    }
    return NULL;
}

/* The connection wakes the control thread if it waits for a client. If it does not wait yet, it
 * sees the flag. If the connection fails because the queue is full, the thread does not wait
 * either. */
static void control_stop(void) {
    atomic_store_explicit(&control.stopping, 1, memory_order_seq_cst);
    os_wake_one(&control.stopping);
    int fd = os_connect(control.name, control.name_length);
    pthread_join(control.server, NULL);
    if (fd >= 0) os_close(fd);
}

/* ---- the guard ---- */

static void *control_guard(void *unused) {
    (void)unused;
    os_name_thread("mallow");
    helper_thread_wait_for_first();
    control_stop();
    helper_thread_unblock_signals();
    return NULL;
}

RARE void control_start(void) {
    pthread_t thread;
    control_choose_name();
    if (!helper_thread_start(&control.server, HELPER_STACK, control_serve)) return;
    if (helper_thread_start(&thread, HELPER_STACK_FOR_EXIT, control_guard))
        pthread_detach(thread);
    else
        control_stop();
}

void control_after_fork(void) {
    atomic_store_explicit(&control.stopping, 0, memory_order_relaxed);
    page_after_fork();
}
