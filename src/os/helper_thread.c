#include "os/helper_thread.h"

#include "base/compiler.h"
#include "os/os.h"
#include "os/owner.h"

#define AWAIT_NS ((int64_t)1000000000)

/* Owned by the first thread until it ends. */
static UNTOUCHED struct owner helper_thread_owner;
static UNTOUCHED uint64_t helper_thread_first_mask;

RARE void helper_thread_first(void) {
    owner_after_fork(&helper_thread_owner);
    owner_take(&helper_thread_owner);
    owner_settle(&helper_thread_owner);
    helper_thread_first_mask = os_block_program_signals();
    os_restore_signals(helper_thread_first_mask);
}

bool helper_thread_orphaned(void) { return owner_has_ended(&helper_thread_owner); }

void helper_thread_wait_for_first(void) { owner_await_end(&helper_thread_owner); }

/* The function that the new thread runs. It is on the stack of the thread that starts it. */
struct helper_thread_argument {
    void *(*run)(void *);
    _Atomic int is_running;
};

static void *helper_thread_run(void *argument) {
    struct helper_thread_argument *start = argument;
    void *(*run)(void *) = start->run;
    atomic_store_explicit(&start->is_running, 1, memory_order_release);
    os_wake_one(&start->is_running); /* uses only the address: the starter's frame may be gone */
    return run(NULL);
}

static bool helper_thread_create(pthread_t *thread, size_t stack,
                                 struct helper_thread_argument *start) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack);
    int error = pthread_create(thread, &attributes, helper_thread_run, start);
    pthread_attr_destroy(&attributes);
    return error == 0 || pthread_create(thread, NULL, helper_thread_run, start) == 0;
}

/* libc ends the process when a new thread cannot register itself with the kernel. The program's
 * first step may be a filter of system calls for all threads, so the new thread passes that point
 * before the program starts. */
static void helper_thread_await(struct helper_thread_argument *start) {
    while (atomic_load_explicit(&start->is_running, memory_order_acquire) == 0)
        os_wait_for(&start->is_running, 0, AWAIT_NS);
}

RARE bool helper_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *)) {
    uint64_t before = os_block_program_signals();
    struct helper_thread_argument start = {.run = run};
    bool started = helper_thread_create(thread, stack, &start);
    if (started) helper_thread_await(&start);
    os_restore_signals(before);
    return started;
}

void helper_thread_unblock_signals(void) { os_restore_signals(helper_thread_first_mask); }
