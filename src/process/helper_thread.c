#include "process/helper_thread.h"

#include "os/os.h"
#include "os/owner.h"

/* The first thread's until it ends. */
static UNTOUCHED struct owner first_thread;
static UNTOUCHED uint64_t first_mask;

RARE void helper_thread_first(void) {
    owner_after_fork(&first_thread);
    owner_take(&first_thread);
    owner_settle(&first_thread);
    first_mask = os_block_program_signals();
    os_restore_signals(first_mask);
}

bool helper_thread_orphaned(void) { return owner_has_ended(&first_thread); }

void helper_thread_wait_for_first(void) { owner_await_end(&first_thread); }

static bool create(pthread_t *thread, size_t stack, void *(*run)(void *)) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack);
    int error = pthread_create(thread, &attributes, run, NULL);
    pthread_attr_destroy(&attributes);
    return error == 0 || pthread_create(thread, NULL, run, NULL) == 0;
}

RARE bool helper_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *)) {
    uint64_t before = os_block_program_signals();
    bool started = create(thread, stack, run);
    os_restore_signals(before);
    return started;
}

void helper_thread_unblock_signals(void) { os_restore_signals(first_mask); }
