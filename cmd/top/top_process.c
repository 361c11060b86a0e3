/* The requests to a process, and the figures that result from the answers. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/xalloc.h"
#include "control/control_call.h"
#include "control/target.h"
#include "proc/amount.h"
#include "proc/proc.h"
#include "top/top.h"
#include "top/top_names.h"

#ifndef F_GET_SEALS
#    define F_GET_SEALS 1034
#    define F_SEAL_SHRINK 2
#endif

/* Figures are asked for less often if collecting them takes the process more than this share of the
 * time, and profiles if reading them takes this command more than that. */
#define PAGE_SHARE 10
#define PROFILE_SHARE 40

#define CONNECT_SECONDS 1

/* The answer has begun, and ends at once. */
static const struct control_limits TOP_LIMITS = {2, 4096};

double top_change(const struct top_process *process, uint64_t before, uint64_t after) {
    double seconds = (double)(process->time - process->earlier_time) / 1000;
    return seconds > 0 ? ((double)after - (double)before) / seconds : 0;
}

/* ---- names ---- */

/* Returns the content of the file, in which zeros become spaces, or an empty text. The folders of a
 * program are left out. The caller frees it. */
static char *top_process_read(pid_t pid, const char *name) {
    enum { BYTES = 4096 };
    char *text = xcalloc(1, BYTES + 1);
    FILE *file = proc_open(pid, name);
    if (file == NULL) return text;
    size_t length = fread(text, 1, BYTES, file);
    fclose(file);
    while (length > 0 && (text[length - 1] == '\0' || text[length - 1] == '\n')) length--;
    text[length] = '\0';
    const char *slash = strrchr(text, '/'); /* in the first argument */
    if (slash != NULL && slash[1] != '\0') {
        length -= (size_t)(slash + 1 - text);
        memmove(text, slash + 1, length + 1);
    }
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\0') text[i] = ' ';
    make_printable(text, length, "");
    return text;
}

static void top_process_name(struct top_process *process) {
    char *name = top_process_read(process->pid, "comm");
    char *program = top_process_read(process->pid, "cmdline");
    if (*name != '\0') snprintf(process->name, sizeof process->name, "%s", name);
    if (*program != '\0' || process->program == NULL) {
        free(process->program);
        process->program = xstrdup(*program != '\0' ? program : process->name);
    }
    free(program);
    free(name);
}

/* ---- life ---- */

struct top_process *top_process_open(pid_t pid, bool is_named) {
    struct top_process *process = xcalloc(1, sizeof *process);
    process->pid = pid;
    process->started = proc_stat_number(pid, STAT_START_TIME);
    process->is_named = is_named;
    process->socket = -1;
    process->names = top_names_open();
    top_process_name(process);
    return process;
}

static void top_process_unmap(struct top_process *process) {
    if (process->page != NULL) munmap((void *)process->page, sizeof *process->page);
    process->page = NULL;
}

/* Forgets the samples, for example because the process executes another program now. */
static void top_process_forget(struct top_process *process) {
    top_sites_clear(&process->sites);
    profile_free(process->profile);
    process->profile = NULL;
    top_names_close(process->names);
    process->names = top_names_open();
}

static void top_process_hang_up(struct top_process *process) {
    if (process->socket >= 0) close(process->socket);
    process->socket = -1;
    process->request = REQUEST_NONE;
}

void top_process_close(struct top_process *process) {
    top_process_hang_up(process);
    top_process_unmap(process);
    top_process_forget(process);
    top_names_close(process->names);
    top_history_free(&process->history);
    top_threads_clear(&process->threads);
    free(process->program);
    free(process->reason);
    free(process);
}

static void top_process_end(struct top_process *process) {
    top_process_hang_up(process);
    process->has_ended = true;
    process->does_answer = process->is_page_due = process->is_profile_due = false;
}

void top_process_check(struct top_process *process) {
    uint64_t started = proc_stat_number(process->pid, STAT_START_TIME);
    char line[PROC_LINE_SIZE];
    if (process->has_ended) return;
    bool is_zombie = proc_status_line(process->pid, "State:", line) &&
                     (strchr(line, 'Z') != NULL || strchr(line, 'X') != NULL);
    if (started != process->started || is_zombie) top_process_end(process);
}

static void top_process_fail(struct top_process *process, char *reason) {
    free(process->reason);
    process->reason = reason;
    process->does_answer = process->is_page_due = process->is_profile_due = false;
    top_process_unmap(process);
    top_process_check(process);
}

/* ---- asking ---- */

static enum top_request top_process_next_request(const struct top_process *process) {
    if (process->want_sampling_changed) return REQUEST_SAMPLE;
    if (process->is_page_due) return process->page == NULL ? REQUEST_PAGE : REQUEST_REFRESH;
    return process->is_profile_due ? REQUEST_PROFILE : REQUEST_NONE;
}

static const char *top_process_line(const struct top_process *process, enum top_request request,
                                    char line[static 32]) {
    switch (request) {
    case REQUEST_PAGE:
        return "page";
    case REQUEST_REFRESH:
        return "refresh";
    case REQUEST_SAMPLE:
        if (process->is_sampled_by_us) return "sample off";
        snprintf(line, 32, "sample %d", TOP_SAMPLE_BYTES);
        return line;
    case REQUEST_PROFILE:
    case REQUEST_NONE:
        break;
    }
    return "profile";
}

void top_process_ask(struct top *top, struct top_process *process) {
    char line[32];
    enum top_request request = top_process_next_request(process);
    if (process->has_ended || process->socket >= 0 || request == REQUEST_NONE) return;
    char *reason = control_call_begin(process->pid, top_process_line(process, request, line),
                                      CONNECT_SECONDS, &process->socket);
    if (reason != NULL) {
        process->socket = -1;
        process->want_sampling_changed = false;
        top_process_fail(process, reason);
        return;
    }
    process->request = request;
    process->asked = top->now = clock_ms();
}

/* ---- figures ---- */

/* Maps the page if reading it is safe. */
static void top_process_map(struct top_process *process, int fd) {
    struct stat file;
    top_process_unmap(process);
    int seals = fcntl(fd, F_GET_SEALS);
    if (fstat(fd, &file) == 0 && file.st_size >= (off_t)sizeof *process->page && seals >= 0 &&
        (seals & F_SEAL_SHRINK) != 0) {
        void *page = mmap(NULL, sizeof *process->page, PROT_READ, MAP_SHARED, fd, 0);
        if (page != MAP_FAILED) process->page = page;
    }
}

static void top_process_remember(struct top_process *process) {
    uint64_t live = top_live_bytes(&process->stats);
    if (live > process->live_peak) process->live_peak = live;
    top_history_add(&process->history,
                    (struct top_moment){
                        .time = process->time,
                        .live = live,
                        .resident = process->resident,
                        .rate = process->sites.has_rates ? process->sites.total.rate : -1,
                    });
}

static void top_process_take_page(struct top_process *process, const struct mallow_page *page) {
    if (process->has_figures) {
        process->earlier = process->stats;
        process->earlier_time = process->time;
        process->resident_earlier = process->resident;
        process->has_earlier = true;
    }
    process->stats = page->stats;
    process->time = clock_ms();
    process->resident = resident_bytes(process->pid);
    long peak = proc_status_number(process->pid, "VmHWM:");
    process->resident_peak = peak > 0 ? (uint64_t)peak * 1024 : 0;
    process->has_figures = process->does_answer = true;
    free(process->reason);
    process->reason = NULL;
    top_process_remember(process);
}

/* The process executes another program if a refresh has not changed the page. */
static void top_process_read_page(struct top_process *process) {
    static struct mallow_page copy;
    bool is_read = process->page != NULL && mallow_page_read(process->page, &copy) != 0;
    if (is_read && copy.updated != process->page_updated) {
        process->page_updated = copy.updated;
        process->is_page_due = false;
        top_process_take_page(process, &copy);
    } else if (process->request == REQUEST_REFRESH) {
        top_process_unmap(process);
        top_process_forget(process);
        process->sampling = SAMPLING_UNKNOWN;
        process->is_sampled_by_us = false;
        top_process_name(process);
    } else {
        top_process_fail(process, xasprintf("process %d passed no usable page", (int)process->pid));
    }
}

/* ---- profiles ---- */

static void top_process_take_profile(struct top_process *process, int fd) {
    struct profile *profile;
    const char *reason = profile_take(process->pid, fd, &profile);
    process->is_profile_due = false;
    if (reason != NULL) {
        profile_free(profile);
        return;
    }
    profile_free(process->profile);
    process->profile = profile;
    process->sampling = SAMPLING_ON;
    top_sites_update(&process->sites, profile);
}

static int64_t top_process_processor_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool top_process_is_unsampled(const char *reason) {
    return strstr(reason, "allocations are not sampled") != NULL;
}

/* Without samples, the profile is not asked for in each round. */
static void top_process_miss_profile(struct top_process *process, char *reason) {
    if (top_process_is_unsampled(reason)) {
        free(reason);
        if (process->sampling != SAMPLING_OFF) top_process_forget(process);
        process->sampling = SAMPLING_OFF;
        process->is_sampled_by_us = false;
        process->is_profile_due = false;
        process->next_profile = clock_ms() + 2000;
        return;
    }
    top_process_fail(process, reason);
}

static void top_process_take_sampling(struct top_process *process) {
    process->want_sampling_changed = false;
    process->is_sampled_by_us = !process->is_sampled_by_us;
    process->sampling = process->is_sampled_by_us ? SAMPLING_ON : SAMPLING_OFF;
    process->next_profile = 0;
    top_process_forget(process);
}

/* ---- receiving ---- */

static void top_process_handle(struct top_process *process, enum top_request request, int fd) {
    switch (request) {
    case REQUEST_PAGE:
        if (fd >= 0) top_process_map(process, fd);
        top_process_read_page(process);
        break;
    case REQUEST_REFRESH:
        top_process_read_page(process);
        break;
    case REQUEST_PROFILE:
        if (fd < 0) break;
        top_process_take_profile(process, fd); /* closes it */
        return;
    case REQUEST_SAMPLE:
        top_process_take_sampling(process);
        break;
    case REQUEST_NONE:
        break;
    }
    if (fd >= 0) close(fd);
}

void top_process_receive(struct top *top, struct top_process *process) {
    char *answer = NULL;
    int fd = -1;
    int64_t start = top_process_processor_ms();
    char *reason = control_call_end(process->socket, process->pid, TOP_LIMITS, &fd, &answer);
    enum top_request request = process->request;
    process->socket = -1;
    free(answer);
    if (reason == NULL)
        top_process_handle(process, request, fd);
    else if (request == REQUEST_PROFILE)
        top_process_miss_profile(process, reason);
    else
        top_process_fail(process, reason);
    process->request = REQUEST_NONE;
    if (request == REQUEST_SAMPLE && reason != NULL) process->want_sampling_changed = false;
    int64_t now = clock_ms(), took = now - process->asked;
    top->now = now;
    if (request == REQUEST_PROFILE && process->sampling == SAMPLING_ON) {
        int64_t cost = top_process_processor_ms() - start;
        process->next_profile = now + (cost + 1) * PROFILE_SHARE + took * PAGE_SHARE;
        top->next_profile_of_others = now + cost * PROFILE_SHARE;
    } else if (request != REQUEST_PROFILE) {
        process->next_page = now + took * PAGE_SHARE;
    }
}

void top_process_restore(struct top_process *process) {
    char *answer = NULL;
    top_process_check(process);
    if (!process->is_sampled_by_us || process->has_ended) return;
    top_process_hang_up(process);
    free(control_call(process->pid, "sample off", TOP_LIMITS, NULL, &answer));
    free(answer);
    process->is_sampled_by_us = false;
}
