#include "os/helper_thread.h"

#include "base/compiler.h"
#include "os/os.h"
#include "os/owner.h"

#define AWAIT_NS ((int64_t)1000000000)

/* Owned by the first thread until it ends. */
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

/* The function that the new thread runs. It is on the stack of the thread that starts it. */
struct start {
    void *(*run)(void *);
    _Atomic int is_running;
};

static void *run_thread(void *argument) {
    struct start *start = argument;
    void *(*run)(void *) = start->run;
    atomic_store_explicit(&start->is_running, 1, memory_order_release);
    os_wake_one(&start->is_running); /* uses only the address: the starter may have gone on */
    return run(NULL);
}

static bool create(pthread_t *thread, size_t stack, struct start *start) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack);
    int error = pthread_create(thread, &attributes, run_thread, start);
    pthread_attr_destroy(&attributes);
    return error == 0 || pthread_create(thread, NULL, run_thread, start) == 0;
}

/* libc ends the process when a new thread cannot register itself with the kernel. The program's
 * first step may be a filter of system calls for all threads, so the new thread passes that point
 * before the program starts. */
static void await_thread(struct start *start) {
    while (atomic_load_explicit(&start->is_running, memory_order_acquire) == 0)
        os_wait_for(&start->is_running, 0, AWAIT_NS);
}

RARE bool helper_thread_start(pthread_t *thread, size_t stack, void *(*run)(void *)) {
    uint64_t before = os_block_program_signals();
    struct start start = {.run = run};
    bool started = create(thread, stack, &start);
    if (started) await_thread(&start);
    os_restore_signals(before);
    return started;
}

void helper_thread_unblock_signals(void) { os_restore_signals(first_mask); }
