/*
 * What the control thread asks of the system fails: the process goes on, and the thread serves as
 * soon and as far as it can, or is gone.
 *     inject_control CALL TIMES      the first TIMES calls fail; then a client is answered, or
 *     inject_control CALL always     nobody is
 */
#include "process/control.h"
#include "check.h"
#include "mallow.h"
#include "os/os.h"
#include "os/os_service.h"
#include "process/helper_thread.h"
#include "process/settings.h"

#include <limits.h>
#include <string.h>

static const char *failing;
static _Atomic int left;

static bool fails(const char *call) {
    return strcmp(failing, call) == 0 && __atomic_fetch_sub(&left, 1, __ATOMIC_SEQ_CST) > 0;
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
WRAP(int64_t, peer_user, -1, (int fd), (fd))
WRAP(size_t, receive, 0, (int fd, char *buffer, size_t bytes, int64_t deadline),
     (fd, buffer, bytes, deadline))
WRAP(void *, shared_memory, NULL, (size_t bytes, int *fd), (bytes, fd))

/* Asks once, as a client that waits for its answer; false when nobody listens. */
static bool ask(char answer[64]) {
    char name[32];
    int length = snprintf(name, sizeof name, "mallow.%d", (int)getpid());
    int fd = os_connect(name, (size_t)length);
    if (fd < 0) return false;
    int64_t deadline = os_coarse_ns() + 30000000000;
    os_send(fd, "page\n", 5, -1, deadline);
    ssize_t n = read(fd, answer, 63);
    answer[n > 0 ? n : 0] = '\0';
    os_close(fd);
    return true;
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 3);
    failing = argv[1];
    bool always = strcmp(argv[2], "always") == 0;
    left = always ? INT_MAX : atoi(argv[2]);
    settings.control = true;
    helper_thread_first();
    control_start();
    char answer[64] = "";
    bool well = false;
    for (int i = 0; i < (always ? 300 : 3000) && !well; i++) {
        os_sleep_ms(10);
        well = ask(answer) && strcmp(answer, "ok\n") == 0;
        CHECK(well || answer[0] == '\0' || strncmp(answer, "error ", 6) == 0);
    }
    CHECK_EQUAL(well, !always);
    mallow_free(mallow_malloc(100));
}
