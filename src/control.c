#include "control.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "os.h"
#include "os_service.h"
#include "page.h"
#include "request.h"
#include "settings.h"
#include "text.h"

#define SERVER_STACK (64 * KIB)
#define GUARD_STACK (256 * KIB) /* exit() may run there */
#define NAME_TRIES 20           /* for a socket whose name is taken */
#define PAUSE_MS 100

static struct {
    pthread_t server;
    pthread_mutex_t first_thread; /* held by it until it ends */
    sigset_t mask;                /* the first thread's */
    _Atomic int stopping;
} control;

struct socket_name {
    char bytes[32];
    size_t length;
};

/* mallow.PID */
static struct socket_name socket_name(void) {
    struct socket_name name;
    struct text t = {.buffer = name.bytes, .size = sizeof name.bytes};
    text_add(&t, "mallow.");
    text_add_number(&t, (uint64_t)os_process_id());
    name.length = t.length;
    return name;
}

static bool is_stopping(void) {
    return atomic_load_explicit(&control.stopping, memory_order_seq_cst) != 0;
}

/* ---- the control thread ---- */

/* Another process may have the name, of another PID name space for example. */
static int listen_patiently(void) {
    struct socket_name name = socket_name();
    for (int i = 0; i < NAME_TRIES && !is_stopping(); i++) {
        int listener = os_listen(name.bytes, name.length);
        if (listener >= 0) return listener;
        os_sleep_ms(PAUSE_MS);
    }
    return -1;
}

static void *serve(void *unused) {
    (void)unused;
    os_name_thread("mallow");
    if (!os_own_descriptors()) return NULL;
    int listener = listen_patiently();
    while (listener >= 0 && !is_stopping()) {
        int client = os_accept(listener);
        if (client < 0) {
            os_sleep_ms(1); /* a signal of libc's, or no memory */
            continue;
        }
        if (!is_stopping()) request_serve(client);
        os_close(client);
    }
    return NULL;
}

/* Either the connection wakes it, or it was not waiting yet and sees the flag. */
static void stop_server(void) {
    atomic_store_explicit(&control.stopping, 1, memory_order_seq_cst);
    struct socket_name name = socket_name();
    int fd = os_connect(name.bytes, name.length);
    pthread_join(control.server, NULL);
    if (fd >= 0) os_close(fd);
}

/* ---- the guard ---- */

static void *guard(void *unused) {
    (void)unused;
    os_name_thread("mallow");
    pthread_mutex_lock(&control.first_thread);
    stop_server();
    pthread_sigmask(SIG_SETMASK, &control.mask, NULL); /* exit() may follow */
    return NULL;
}

/* ---- start ---- */

/* On a small stack, or one of the usual size where thread-local variables would fill that. */
static bool start_thread(pthread_t *thread, size_t stack, void *(*run)(void *)) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack);
    int error = pthread_create(thread, &attributes, run, NULL);
    pthread_attr_destroy(&attributes);
    return error == 0 || pthread_create(thread, NULL, run, NULL) == 0;
}

static void hold_first_thread(void) {
    pthread_mutexattr_t robust;
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&control.first_thread, &robust);
    pthread_mutexattr_destroy(&robust);
    pthread_mutex_lock(&control.first_thread);
}

RARE void control_start(void) {
    if (!settings.control) return;
    sigset_t all;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &control.mask);
    hold_first_thread();
    if (start_thread(&control.server, SERVER_STACK, serve)) {
        if (start_thread(&thread, GUARD_STACK, guard))
            pthread_detach(thread);
        else
            stop_server();
    }
    pthread_sigmask(SIG_SETMASK, &control.mask, NULL);
}

void control_after_fork(void) {
    atomic_store_explicit(&control.stopping, 0, memory_order_relaxed);
    page_after_fork();
    control_start();
}
