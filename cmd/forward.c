#include "forward.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "clock.h"
#include "probe.h"

#define ROOM 64u
#define ANSWER_PATIENCE_MS 5000 /* then the probe is taken to be stopped */

struct entry {
    siginfo_t info;
    int64_t expires; /* ms */
    bool passed_on;
};

struct list {
    struct entry entries[ROOM];
    size_t count;
};

/* Signals that the command or the probe has received and the other has not yet; oldest first. */
static struct list arrivals, echoes;

/* When the probe was asked, 0: it has answered; and until when what it has received is known. */
static int64_t asked, known;

static void drop(struct list *list, size_t index) {
    list->count--;
    memmove(list->entries + index, list->entries + index + 1,
            (list->count - index) * sizeof list->entries[0]);
}

static void append(struct list *list, const siginfo_t *info) {
    if (list->count == ROOM) return;
    list->entries[list->count++] =
        (struct entry){.info = *info, .expires = clock_ms() + FORWARD_PATIENCE_MS};
}

static void pass_on(struct entry *entry, pid_t program) {
    const siginfo_t *info = &entry->info;
    if (entry->passed_on) return;
    if (info->si_code == SI_QUEUE)
        sigqueue(program, info->si_signo, info->si_value);
    else
        kill(program, info->si_signo);
    entry->passed_on = true;
}

static void read_echoes(void) {
    struct probe_signal received;
    while (probe_take(&received)) {
        if (received.signal == PROBE_ANSWER) {
            known = asked;
            asked = 0;
            continue;
        }
        siginfo_t info = {.si_signo = received.signal};
        info.si_pid = received.sender;
        append(&echoes, &info);
    }
}

static bool drop_echo_of(const siginfo_t *info) {
    for (size_t i = 0; i < echoes.count; i++) {
        const siginfo_t *echo = &echoes.entries[i].info;
        if (echo->si_signo != info->si_signo || echo->si_pid != info->si_pid) continue;
        drop(&echoes, i);
        return true;
    }
    return false;
}

static void match(void) {
    for (size_t i = 0; i < arrivals.count;) {
        if (drop_echo_of(&arrivals.entries[i].info))
            drop(&arrivals, i);
        else
            i++;
    }
}

void forward_arrived(const siginfo_t *info) {
    if (info->si_code <= 0) append(&arrivals, info);
}

void forward_all(pid_t program) {
    for (size_t i = 0; i < arrivals.count; i++) pass_on(&arrivals.entries[i], program);
}

/* Whether the program does not have the signal from its sender. */
static bool is_for_us_alone(const struct entry *arrival, int64_t now) {
    if (arrivals.count == ROOM) return true;
    if (now < arrival->expires) return false;
    if (known >= arrival->expires) return true;
    if (asked != 0) return now - asked >= ANSWER_PATIENCE_MS;
    if (!probe_ask()) return true;
    asked = now;
    return false;
}

int forward_settle(pid_t program) {
    int64_t now = clock_ms();
    read_echoes();
    match();
    while (arrivals.count > 0 && is_for_us_alone(&arrivals.entries[0], now)) {
        pass_on(&arrivals.entries[0], program);
        drop(&arrivals, 0);
    }
    while (echoes.count > 0 && echoes.entries[0].expires <= now) drop(&echoes, 0);
    if (arrivals.count == 0) return -1;
    return (int)((asked != 0 ? asked + ANSWER_PATIENCE_MS : arrivals.entries[0].expires) - now);
}
