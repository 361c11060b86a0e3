#include "heap/purge_thread.h"

#include "heap/decay.h"
#include "os/helper_thread.h"
#include "os/os.h"
#include "os/os_service.h"
#include "pages/purge.h"

#define MS 1000000ll
#define ROUND_NS (100 * MS) /* between two rounds while there is something to give back */
#define IDLE_NS (1000 * MS) /* between two checks for the end of the program */

static void purge_thread_pause(int64_t ns) {
    static _Atomic int never;
    os_wait_for(&never, 0, ns);
}

static void *purge_thread_run(void *unused) {
    os_name_thread("mallow");
    while (!helper_thread_orphaned()) {
        if (decay_round()) {
            purge_thread_pause(ROUND_NS);
            continue;
        }
        /* Memory that becomes free from here on wakes the thread. The thread has already seen
         * memory that was free before, or sees it in the next round. */
        atomic_store_explicit(&purge_sleeper, 1, memory_order_seq_cst);
        os_wait_for(&purge_sleeper, 1, IDLE_NS);
        atomic_store_explicit(&purge_sleeper, 0, memory_order_relaxed);
        purge_read_group(); /* the limit may have changed */
    }
    helper_thread_unblock_signals();
    return unused;
}

RARE void purge_thread_start(void) {
    atomic_store_explicit(&purge_sleeper, 0, memory_order_relaxed);
    pthread_t thread;
    if (helper_thread_start(&thread, HELPER_STACK_FOR_EXIT, purge_thread_run))
        pthread_detach(thread);
}
