/*
 * If a system call of the control thread fails, the process continues, and the thread answers as
 * soon as it can, or ends.
 *     inject_control CALL TIMES      the first TIMES calls fail; a client is answered afterwards
 *     inject_control CALL always     all calls fail, and no client is answered
 *     inject_control CALL waiting    calls fail while a client waits; it is answered afterwards
 */
#include "process/control.h"
#include "base/settings.h"
#include "check.h"
#include "mallow.h"
#include "os/helper_thread.h"
#include "os/os.h"
#include "os/os_peer.h"
#include "os/os_service.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

static const char *failing;
static _Atomic int left, failed;

static bool fails(const char *call) {
    bool fail = strcmp(failing, call) == 0 && atomic_fetch_sub(&left, 1) > 0;
    failed += fail;
    return fail;
}

#define WRAP(type, call, failure, parameters, arguments)              \
    type __real_os_##call parameters;                                 \
    type __wrap_os_##call parameters;                                 \
    type __wrap_os_##call parameters {                                \
        return fails(#call) ? (failure) : __real_os_##call arguments; \
    }

WRAP(bool, own_descriptors, false, (void), ())
WRAP(int, listen, -1, (const char *name, size_t length), (name, length))
WRAP(int, accept, -1, (int listener), (listener))
WRAP(bool, peer_may_read, false, (int socket), (socket))
WRAP(size_t, receive, 0, (int fd, char *buffer, size_t bytes, int64_t deadline),
     (fd, buffer, bytes, deadline))
WRAP(void *, shared_memory, NULL, (size_t bytes, int *fd), (bytes, fd))

static int connect_to_self(void) {
    char name[64];
    int length = snprintf(name, sizeof name, "mallow.%llu.%d",
                          (unsigned long long)os_pid_namespace(), (int)getpid());
    return os_connect(name, (size_t)length);
}

/* Sends one request and waits for its answer. Returns false if no thread listens. */
static bool request(char answer[64]) {
    int fd = connect_to_self();
    if (fd < 0) return false;
    int64_t deadline = os_coarse_ns() + 30000000000;
    os_send(fd, "page\n", 5, -1, deadline);
    answer[os_receive(fd, answer, 63, deadline)] = '\0';
    os_close(fd);
    return true;
}

/* While accept fails, the thread must not spin. */
static void let_client_wait(void) {
    char answer[64];
    int waiting;
    while ((waiting = connect_to_self()) < 0) usleep(10000);
    usleep(1000000);
    CHECK(failed > 0 && failed < 50);
    left = 0;
    os_close(waiting);
    CHECK(request(answer) && strcmp(answer, "ok\n") == 0);
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 3);
    failing = argv[1];
    bool waiting = strcmp(argv[2], "waiting") == 0;
    bool always = waiting || strcmp(argv[2], "always") == 0;
    left = always ? INT_MAX : atoi(argv[2]);
    settings.control = true;
    helper_thread_first();
    control_start();
    if (waiting) let_client_wait();
    if (waiting) return 0;
    char answer[64] = "";
    bool answered = false;
    for (int i = 0; i < (always ? 300 : 3000) && !answered; i++) {
        usleep(10000);
        answered = request(answer) && strcmp(answer, "ok\n") == 0;
        CHECK(answered || answer[0] == '\0' || strncmp(answer, "error ", 6) == 0);
    }
    CHECK_EQUAL(answered, !always);
    mallow_free(mallow_malloc(100));
}
