/* The rounds of mallow top: asks the processes, and shows what they answer. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/xalloc.h"
#include "top/top.h"

/* A round ends without the processes that have not answered in this time. */
#define PATIENCE_MS 1000

/* ---- signals ---- */

static volatile sig_atomic_t top_loop_ending, top_loop_resized, top_loop_suspended;

static void top_loop_handle(int number) {
    if (number == SIGWINCH || number == SIGCONT)
        top_loop_resized = 1;
    else if (number == SIGTSTP)
        top_loop_suspended = 1;
    else
        top_loop_ending = number;
}

/* Signals are delivered only while the loop waits. Stores the mask for that. */
static void top_loop_catch(const struct top_front *front, sigset_t *mask) {
    static const int numbers[] = {SIGINT,  SIGTERM,  SIGHUP,  SIGQUIT,
                                  SIGPIPE, SIGWINCH, SIGTSTP, SIGCONT};
    struct sigaction action = {.sa_handler = top_loop_handle}, before;
    sigset_t caught;
    sigemptyset(&caught);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i] == SIGTSTP && front->suspend == NULL) continue;
        sigaction(numbers[i], NULL, &before);
        if (before.sa_handler == SIG_IGN) continue; /* as nohup has set it */
        sigaction(numbers[i], &action, NULL);
        sigaddset(&caught, numbers[i]);
    }
    sigprocmask(SIG_BLOCK, &caught, mask);
}

static void top_loop_attend(struct top *top, const struct top_front *front) {
    if (top_loop_suspended) {
        top_loop_suspended = 0;
        if (front->suspend != NULL) front->suspend(top);
    }
    if (top_loop_resized) {
        top_loop_resized = 0;
        if (front->resize != NULL) front->resize(top);
    }
}

/* ---- a round ---- */

struct top_loop {
    int64_t next, begun;
    bool is_open;
    unsigned long rounds;
};

/* Reading the profiles of all processes must not take more of the time than reading one. */
static bool top_loop_wants_profile(const struct top *top, const struct top_process *process) {
    return top->now >= process->next_profile &&
           (process == top->current || top->now >= top->next_profile_of_others);
}

static void top_loop_begin_round(struct top *top, struct top_loop *loop) {
    top_find(top);
    loop->begun = top->now;
    loop->next = top->now + top->interval;
    loop->is_open = true;
    for (size_t i = 0; i < top->count; i++) {
        struct top_process *process = top->list[i];
        top_process_check(process);
        if (process->has_ended) continue;
        if (top->now >= process->next_page) process->is_page_due = true;
        if (top_loop_wants_profile(top, process)) process->is_profile_due = true;
    }
}

static bool top_loop_is_complete(const struct top *top, const struct top_loop *loop) {
    if (top->now >= loop->begun + PATIENCE_MS) return true;
    for (size_t i = 0; i < top->count; i++)
        if (top->list[i]->socket >= 0) return false;
    return true;
}

static void top_loop_end_round(struct top *top, const struct top_front *front,
                               struct top_loop *loop) {
    loop->is_open = false;
    for (size_t i = 0; i < top->count; i++)
        if (top->list[i]->is_page_due) top->list[i]->does_answer = false;
    if (top->shows_threads && top->current != NULL) top_threads_update(top->current);
    front->show(top);
    if (++loop->rounds == front->rounds) top->is_finished = true;
}

static void top_loop_step(struct top *top, const struct top_front *front, struct top_loop *loop) {
    top->now = clock_ms();
    if (!top->is_paused && !loop->is_open && top->now >= loop->next)
        top_loop_begin_round(top, loop);
    for (size_t i = 0; i < top->count; i++) top_process_ask(top, top->list[i]);
    if (loop->is_open && top_loop_is_complete(top, loop)) top_loop_end_round(top, front, loop);
}

/* ---- waiting ---- */

static int64_t top_loop_timeout(const struct top *top, const struct top_loop *loop) {
    int64_t until = loop->is_open ? loop->begun + PATIENCE_MS : loop->next;
    if (!loop->is_open && top->is_paused) return 60000;
    return until > top->now ? until - top->now : 0;
}

static void top_loop_wait(struct top *top, const struct top_front *front,
                          const struct top_loop *loop, const sigset_t *mask) {
    int64_t ms = top_loop_timeout(top, loop);
    struct timespec timeout = {ms / 1000, ms % 1000 * 1000000};
    size_t count = top->count;
    struct pollfd *fds = xcalloc(count + 1, sizeof *fds);
    for (size_t i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = top->list[i]->socket, .events = POLLIN};
    fds[count] = (struct pollfd){.fd = front->input, .events = POLLIN};
    if (ppoll(fds, count + 1, &timeout, mask) > 0) {
        for (size_t i = 0; i < count; i++)
            if (fds[i].revents != 0) top_process_receive(top, top->list[i]);
        if (fds[count].revents != 0) front->read(top);
    }
    free(fds);
}

int top_loop(struct top *top, const struct top_front *front) {
    struct top_loop loop = {0};
    sigset_t mask;
    top_loop_catch(front, &mask);
    while (!top->is_finished && top_loop_ending == 0) {
        top_loop_step(top, front, &loop);
        if (top->is_finished) break;
        top_loop_wait(top, front, &loop, &mask);
        top_loop_attend(top, front);
    }
    return top_loop_ending;
}
