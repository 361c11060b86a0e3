#include "process/control.h"

#include <pthread.h>
#include <stdatomic.h>

#include "os/os.h"
#include "os/os_service.h"
#include "process/helper_thread.h"
#include "process/page.h"
#include "process/request.h"
#include "process/settings.h"
#include "report/text.h"

#define NAME_TRIES 20 /* for a socket whose name is taken */
#define PAUSE_MS 100

static struct {
    pthread_t server;
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
    helper_thread_wait_for_first();
    stop_server();
    helper_thread_unblock_signals();
    return NULL;
}

RARE void control_start(void) {
    pthread_t thread;
    if (!helper_thread_start(&control.server, HELPER_STACK, serve)) return;
    if (helper_thread_start(&thread, HELPER_STACK_FOR_EXIT, guard))
        pthread_detach(thread);
    else
        stop_server();
}

void control_after_fork(void) {
    atomic_store_explicit(&control.stopping, 0, memory_order_relaxed);
    page_after_fork();
}
