#include "top/top_threads.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/printable.h"
#include "common/xalloc.h"
#include "proc/proc.h"
#include "top/top.h"

void top_threads_clear(struct top_threads *threads) {
    free(threads->list);
    *threads = (struct top_threads){.list = NULL};
}

static int top_threads_compare(const void *a, const void *b) {
    const struct top_thread *one = a, *other = b;
    return (one->tid > other->tid) - (one->tid < other->tid);
}

static struct top_thread *top_threads_find(const struct top_threads *threads, pid_t tid) {
    struct top_thread key = {.tid = tid};
    if (threads->count == 0) return NULL;
    return bsearch(&key, threads->list, threads->count, sizeof key, top_threads_compare);
}

static void top_threads_add(struct top_threads *threads, struct top_thread thread) {
    threads->list = xgrow(threads->list, threads->count, sizeof *threads->list);
    threads->list[threads->count++] = thread;
}

/* ---- /proc ---- */

/* The name can contain anything, and is between parentheses. */
static void top_threads_parse(struct top_thread *thread, char *line) {
    enum { FIELD_STATE = 3, FIELD_USER_TIME = 14 };
    unsigned long user = 0, kernel = 0;
    char *name = strchr(line, '('), *end = strrchr(line, ')');
    if (name == NULL || end == NULL || end < name || end[1] == '\0') return;
    *end = '\0';
    snprintf(thread->name, sizeof thread->name, "%s", name + 1);
    make_printable(thread->name, strlen(thread->name), "");
    thread->state = end[2];
    const char *at = end + 1;
    for (int i = FIELD_STATE; at != NULL && i <= FIELD_USER_TIME; i++) at = strchr(at + 1, ' ');
    if (at != NULL && sscanf(at, "%lu %lu", &user, &kernel) == 2)
        thread->seconds = (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

void top_threads_read(const struct top_process *process, struct top_thread *thread) {
    char name[64], line[512];
    if (process->has_ended || thread->state == '-') return;
    snprintf(name, sizeof name, "task/%d/stat", (int)thread->tid);
    FILE *file = proc_open(process->pid, name);
    if (file == NULL) return;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    top_threads_parse(thread, line);
}

/* The name of a thread is needed before it is shown, if there is a filter. */
static void top_threads_enter(struct top_process *process, struct top_threads *threads,
                              const char *entry) {
    struct top_thread thread = {.tid = (pid_t)strtol(entry, NULL, 10), .state = '?'};
    const struct top_thread *known = top_threads_find(&process->threads, thread.tid);
    if (known != NULL && known->state != '-')
        thread = *known;
    else
        top_threads_read(process, &thread);
    thread.holder = 0;
    top_threads_add(threads, thread);
}

/* ---- samples ---- */

/* A thread in another PID namespace has another ID there, and only its samples are shown. */
static void top_threads_add_holder(struct top_threads *threads, size_t sorted,
                                   const struct top_sites *sites, size_t index) {
    const struct top_holder *holder = &sites->holders[index];
    struct top_threads in_proc = {threads->list, sorted};
    struct top_thread *same = top_threads_find(&in_proc, (pid_t)holder->thread);
    struct top_thread thread = {.tid = (pid_t)holder->thread, .state = '-', .holder = index + 1};
    memcpy(thread.name, holder->name, sizeof thread.name);
    if (same != NULL)
        same->holder = index + 1;
    else
        top_threads_add(threads, thread);
}

void top_threads_update(struct top_process *process) {
    struct top_threads threads = {0};
    DIR *tasks = opendir(proc_path(process->pid, "task").text);
    if (tasks == NULL) return; /* the last threads stay when the process has ended */
    for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        if (isdigit((unsigned char)*entry->d_name))
            top_threads_enter(process, &threads, entry->d_name);
    closedir(tasks);
    if (threads.count == 0) return;
    qsort(threads.list, threads.count, sizeof *threads.list, top_threads_compare);
    size_t sorted = threads.count;
    for (size_t i = 0; i < process->sites.holder_count; i++)
        top_threads_add_holder(&threads, sorted, &process->sites, i);
    qsort(threads.list, threads.count, sizeof *threads.list, top_threads_compare);
    top_threads_clear(&process->threads);
    process->threads = threads;
}
