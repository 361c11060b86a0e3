/* Finds the processes of this user that run on Mallow: those whose control thread listens. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "proc/proc.h"
#include "top/top.h"

/* How often they are looked for. */
#define FIND_MS 2000

/* ---- the list ---- */

void top_add(struct top *top, struct top_process *process) {
    size_t at = top->count;
    top->list = xgrow(top->list, top->count, sizeof *top->list);
    for (; at > 0 && top->list[at - 1]->pid > process->pid; at--) top->list[at] = top->list[at - 1];
    top->list[at] = process;
    top->count++;
}

static bool top_find_has(const struct top *top, pid_t pid) {
    for (size_t i = 0; i < top->count; i++)
        if (top->list[i]->pid == pid && !top->list[i]->has_ended) return true;
    return false;
}

/* Keeps the process that is shown, so that its last figures can be read. */
static void top_find_remove_ended(struct top *top) {
    size_t kept = 0;
    for (size_t i = 0; i < top->count; i++) {
        struct top_process *process = top->list[i];
        if (process->has_ended && !process->is_named && process != top->current)
            top_process_close(process);
        else
            top->list[kept++] = process;
    }
    top->count = kept;
}

/* ---- sockets ---- */

/* Names of sockets: the PID namespace, and the ID in it. */
struct top_find_name {
    unsigned long namespace;
    long number;
};

struct top_find_names {
    struct top_find_name *list;
    size_t count;
};

static struct top_find_names top_find_sockets(void) {
    struct top_find_names names = {0};
    char *line = NULL;
    size_t room = 0;
    FILE *sockets = fopen("/proc/net/unix", "re");
    while (sockets != NULL && getline(&line, &room, sockets) > 0) {
        struct top_find_name name;
        const char *at = strstr(line, "@mallow.");
        if (at == NULL || sscanf(at, "@mallow.%lu.%ld", &name.namespace, &name.number) != 2)
            continue;
        names.list = xgrow(names.list, names.count, sizeof *names.list);
        names.list[names.count++] = name;
    }
    if (sockets != NULL) fclose(sockets);
    free(line);
    return names;
}

static bool top_find_listens(const struct top_find_names *names, pid_t pid) {
    struct stat status;
    bool is_known = stat(proc_path(pid, "ns/pid").text, &status) == 0;
    long number = proc_status_number(pid, "NSpid:");
    for (size_t i = 0; i < names->count; i++)
        if (names->list[i].number == number &&
            (names->list[i].namespace == 0 ||
             (is_known && names->list[i].namespace == status.st_ino)))
            return true;
    return false;
}

/* ---- processes ---- */

static bool top_find_is_own(pid_t pid) {
    struct stat status;
    return stat(proc_path(pid, "").text, &status) == 0 && status.st_uid == geteuid();
}

static void top_find_in(struct top *top, const struct top_find_names *names, DIR *processes) {
    for (const struct dirent *entry; (entry = readdir(processes)) != NULL;) {
        if (!isdigit((unsigned char)*entry->d_name)) continue;
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (top_find_has(top, pid) || !top_find_is_own(pid) || !top_find_listens(names, pid))
            continue;
        top_add(top, top_process_open(pid, false));
    }
}

void top_find(struct top *top) {
    if (!top->finds_processes || top->now < top->next_find) return;
    top->next_find = top->now + FIND_MS;
    top_find_remove_ended(top);
    struct top_find_names names = top_find_sockets();
    DIR *processes = opendir("/proc");
    if (processes != NULL) {
        if (names.count > 0) top_find_in(top, &names, processes);
        closedir(processes);
    }
    free(names.list);
}
