#include "launch/forward.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "common/clock.h"
#include "launch/probe.h"

#define FORWARD_LIST_SIZE 64u
#define PROBE_TIMEOUT_MS 5000 /* after this time without a reply, the probe counts as stopped */

struct forward_entry {
    siginfo_t info;
    int64_t expires; /* ms */
    bool passed_on;
};

struct forward_list {
    struct forward_entry entries[FORWARD_LIST_SIZE];
    size_t count;
};

/* Signals that only the command has received, and signals that only the probe has received; the
 * oldest first. */
static struct forward_list forward_arrivals, forward_echoes;

/* When the probe was queried, or 0 if no reply is due; and the time up to which all signals to the
 * probe are known. */
static int64_t forward_query_time, forward_echoes_complete_until;

static void forward_drop(struct forward_list *list, size_t index) {
    list->count--;
    memmove(list->entries + index, list->entries + index + 1,
            (list->count - index) * sizeof list->entries[0]);
}

static void forward_append(struct forward_list *list, const siginfo_t *info) {
    if (list->count == FORWARD_LIST_SIZE) return;
    list->entries[list->count++] =
        (struct forward_entry){.info = *info, .expires = clock_ms() + FORWARD_WINDOW_MS};
}

static void forward_pass_on(struct forward_entry *entry, pid_t program) {
    const siginfo_t *info = &entry->info;
    if (entry->passed_on) return;
    if (info->si_code == SI_QUEUE)
        sigqueue(program, info->si_signo, info->si_value);
    else
        kill(program, info->si_signo);
    entry->passed_on = true;
}

static void forward_read_echoes(void) {
    struct probe_signal received;
    while (probe_take(&received)) {
        if (received.signal == PROBE_REPLY) {
            forward_echoes_complete_until = forward_query_time;
            forward_query_time = 0;
            continue;
        }
        siginfo_t info = {.si_signo = received.signal};
        info.si_pid = received.sender;
        forward_append(&forward_echoes, &info);
    }
}

static bool forward_drop_echo(const siginfo_t *info) {
    for (size_t i = 0; i < forward_echoes.count; i++) {
        const siginfo_t *echo = &forward_echoes.entries[i].info;
        if (echo->si_signo != info->si_signo || echo->si_pid != info->si_pid) continue;
        forward_drop(&forward_echoes, i);
        return true;
    }
    return false;
}

static void forward_match(void) {
    for (size_t i = 0; i < forward_arrivals.count;) {
        if (forward_drop_echo(&forward_arrivals.entries[i].info))
            forward_drop(&forward_arrivals, i);
        else
            i++;
    }
}

void forward_arrived(const siginfo_t *info) {
    if (info->si_code <= 0) forward_append(&forward_arrivals, info);
}

void forward_all(pid_t program) {
    for (size_t i = 0; i < forward_arrivals.count; i++)
        forward_pass_on(&forward_arrivals.entries[i], program);
}

/* Returns true if the sender has not signalled the program, too. */
static bool forward_is_for_command_alone(const struct forward_entry *arrival, int64_t now) {
    if (forward_arrivals.count == FORWARD_LIST_SIZE) return true;
    if (now < arrival->expires) return false;
    if (forward_echoes_complete_until >= arrival->expires) return true;
    if (forward_query_time != 0) return now - forward_query_time >= PROBE_TIMEOUT_MS;
    if (!probe_query()) return true;
    forward_query_time = now;
    return false;
}

int forward_poll(pid_t program) {
    int64_t now = clock_ms();
    forward_read_echoes();
    forward_match();
    while (forward_arrivals.count > 0 &&
           forward_is_for_command_alone(&forward_arrivals.entries[0], now)) {
        forward_pass_on(&forward_arrivals.entries[0], program);
        forward_drop(&forward_arrivals, 0);
    }
    while (forward_echoes.count > 0 && forward_echoes.entries[0].expires <= now)
        forward_drop(&forward_echoes, 0);
    if (forward_arrivals.count == 0) return -1;
    return (int)((forward_query_time != 0 ? forward_query_time + PROBE_TIMEOUT_MS
                                          : forward_arrivals.entries[0].expires) -
                 now);
}
