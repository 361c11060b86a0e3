#include "os/thread_id.h"

#include "base/compiler.h"
#include "os/os_thread.h"

static __thread int thread_id_cached __attribute__((tls_model("initial-exec")));

int thread_id(void) {
    if (unlikely(thread_id_cached == 0)) thread_id_cached = os_thread_id();
    return thread_id_cached;
}

void thread_id_after_fork(void) { thread_id_cached = 0; }
