#include "leak/leak.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "leak/leak_groups.h"
#include "leak/leak_print.h"
#include "leak/leak_suppress.h"
#include "leak/leak_threads.h"
#include "os/os.h"
#include "os/os_process.h"
#include "os/os_thread.h"
#include "profile/samples.h"
#include "report/symbolizer.h"

/* ---- one check at a time ---- */

static UNTOUCHED _Atomic int leak_is_running;

static void leak_begin_check(void) {
    while (atomic_exchange(&leak_is_running, 1) != 0) os_wait(&leak_is_running, 1);
}

static void leak_end_check(void) {
    atomic_store(&leak_is_running, 0);
    os_wake_all(&leak_is_running);
}

RARE void leak_after_fork(void) {
    atomic_store(&leak_is_running, 0);
    leak_threads_after_fork();
}

/* ---- in the copy ---- */

static enum leak_verdict leak_verdict_of(const struct leak_groups *groups) {
    return groups->totals[LEAK_DEFINITE].blocks != 0 ? LEAK_LOST : LEAK_NONE;
}

static _Noreturn void leak_search_copy(const struct leak_request *request,
                                       const struct leak_roots *begin) {
    static UNTOUCHED struct leak_groups groups;
    samples_after_copy();
    const char *failure = leak_mark_all(begin);
    if (failure == NULL && !leak_group_all(&groups, request->reachable_too))
        failure = "no memory for the leak check";
    if (failure != NULL) {
        request->fail(request->to, failure);
        text_flush(request->text);
        os_end_copy(LEAK_FAILED);
    }
    leak_suppress(&groups);
    enum leak_verdict verdict = leak_verdict_of(&groups);
    if (verdict == LEAK_LOST || !request->only_if_lost) {
        request->begin(request->to);
        leak_print(request->text, &groups, request->limit);
        text_flush(request->text);
    }
    os_end_copy((int)verdict);
}

/* ---- in the process ---- */

static void leak_print_stop(struct text *text, const struct leak_threads *threads, int64_t stood) {
    text_add(text, "stopped ");
    text_add_count(text, threads->stopped, "thread");
    text_add(text, " for ");
    text_add_number(text, (uint64_t)stood / 1000);
    text_add(text, " microseconds");
    if (threads->missed != 0) {
        text_add(text, "; ");
        text_add_number(text, threads->missed);
        text_add(text,
                 " could not be stopped: blocks that only such a thread points to may be listed as"
                 " lost");
    }
    text_add(text, "\n");
}

static enum leak_verdict leak_await_verdict(const struct leak_request *request, int copy) {
    int status = os_await_copy(copy);
    if (status >= LEAK_NONE && status <= LEAK_FAILED) return (enum leak_verdict)status;
    request->fail(request->to, "the copy of the process was killed");
    return LEAK_FAILED;
}

/* Does not return in the copy. */
static int leak_copy_process(const struct leak_request *request, struct leak_threads *threads,
                             uintptr_t stack_pointer) {
    struct leak_roots begin = {threads, os_thread_id(), stack_pointer};
    int copy = os_copy_process();
    if (copy == 0) leak_search_copy(request, &begin);
    return copy;
}

static enum leak_verdict leak_check_alone(const struct leak_request *request,
                                          uintptr_t stack_pointer) {
    struct leak_threads threads;
    uint64_t mask = os_block_signals();
    const char *failure = leak_threads_stop(&threads);
    if (failure != NULL) {
        os_restore_signals(mask);
        request->fail(request->to, failure);
        return LEAK_FAILED;
    }
    int copy = leak_copy_process(request, &threads, stack_pointer);
    int64_t stood = leak_threads_release(&threads);
    os_restore_signals(mask);
    leak_threads_forget(&threads);
    if (copy < 0) {
        request->fail(request->to,
                      "the process cannot be copied (not enough memory, or too many processes)");
        return LEAK_FAILED;
    }
    enum leak_verdict verdict = leak_await_verdict(request, copy);
    if (verdict == LEAK_LOST || (verdict != LEAK_FAILED && !request->only_if_lost))
        leak_print_stop(request->text, &threads, stood);
    return verdict;
}

/* __builtin_unwind_init saves the registers of the calling thread on its stack, above the frames of
 * the check. */
NOINLINE enum leak_verdict leak_check(const struct leak_request *request) {
    __builtin_unwind_init();
    leak_begin_check();
    enum leak_verdict verdict = leak_check_alone(request, (uintptr_t)__builtin_frame_address(0));
    leak_end_check();
    return verdict;
}

/* ---- at exit ---- */

static void leak_begin_report(void *text) {
    text_add(text, "mallow: leaks of process ");
    text_add_number(text, (uint64_t)os_process_id());
    text_add(text, ":\n");
}

static void leak_report_failure(void *text, const char *why) {
    text_add(text, "mallow: cannot check process ");
    text_add_number(text, (uint64_t)os_process_id());
    text_add(text, " for leaks: ");
    text_add(text, why);
    text_add(text, "\n");
}

/* A handler of exit() may call exit() again: the remaining handlers then run, and the new status
 * counts. */
static void leak_end_with(int status) {
#ifdef __GLIBC__
    exit(status);
#else
    fflush(NULL);
    _exit(status);
#endif
}

static enum leak_verdict leak_check_to(int file) {
    static UNTOUCHED char buffer[4 * KIB];
    struct text text = {
        .buffer = buffer, .size = sizeof buffer, .sink = symbolizer_write, .to = &file};
    struct leak_request request = {
        .only_if_lost = true,
        .limit = 50,
        .text = &text,
        .begin = leak_begin_report,
        .fail = leak_report_failure,
        .to = &text,
    };
    enum leak_verdict verdict = leak_check(&request);
    text_flush(&text);
    return verdict;
}

static void leak_check_at_exit(void *unused) {
    (void)unused;
    int file = symbolizer_begin();
    enum leak_verdict verdict = leak_check_to(file);
    uint64_t mask = os_block_signals();
    symbolizer_end(file);
    os_restore_signals(mask);
    if (verdict == LEAK_LOST && settings.leak_status != 0) leak_end_with(settings.leak_status);
}

int __cxa_atexit(void (*call)(void *), void *argument, void *module);

/* Because it is registered by a constructor and for no module, the check runs after the destructors
 * of all modules. */
RARE void leak_start(void) {
    if (settings.leak_at_exit) __cxa_atexit(leak_check_at_exit, NULL, NULL);
}
