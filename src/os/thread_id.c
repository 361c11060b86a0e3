#include "os/thread_id.h"

#include "base/compiler.h"
#include "os/os_thread.h"

static __thread int own_id __attribute__((tls_model("initial-exec")));

int thread_id(void) {
    if (unlikely(own_id == 0)) own_id = os_thread_id();
    return own_id;
}

void thread_id_after_fork(void) { own_id = 0; }
