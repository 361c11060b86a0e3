#include "start.h"

#include <pthread.h>

#include "control.h"
#include "heap.h"
#include "lock.h"
#include "repair.h"
#include "settings.h"
#include "space.h"
#include "summary.h"

bool start_once(void) { return space.base != NULL || space_choose(); }

bool start(void) {
    if (likely(__atomic_load_n(&space.granules, __ATOMIC_ACQUIRE) != 0)) return true;
    lock_take(&global_lock);
    bool started = start_once();
    lock_drop(&global_lock);
    return started;
}

/* No lock is held across fork, so there is nothing to prepare: the child, in which only the
 * calling thread goes on, makes whole what the others were at. */
static void child_of_fork(void) {
    repair_after_fork();
    heap_after_fork();
    summary_forget();
    control_after_fork();
}

/* At load time and not at the first allocation, which may come from a signal handler, from the
 * loader or from inside fork. */
__attribute__((constructor(101))) static void loaded(void) {
    settings_read();
    pthread_atfork(NULL, NULL, child_of_fork);
    control_start();
}
