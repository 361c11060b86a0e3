#include "trace/trace_process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/read_all.h"
#include "common/xalloc.h"
#include "proc/proc.h"
#include "proc/process_map.h"
#include "trace_writer.h"

#define NUMBERS_MAX (1u << 22) /* of processes and of nodes: the program may write any number */
#define MAP_PAUSE_MS 100       /* between two looks at a map, which may be long */

/* The stacks of a process, and the part of its map that is known. */
struct trace_frames {
    uint32_t *numbers; /* in the trace, by node; 0: not known */
    uint32_t room;
    struct process_map *map;
    int64_t looked_at;
};

/* ---- processes ---- */

struct trace_process *trace_process_find(const struct trace_processes *all, uint32_t number) {
    return number < all->count ? all->list[number] : NULL;
}

static char *trace_process_link(pid_t pid, const char *name) {
    char text[4096];
    ssize_t n = readlink(proc_path(pid, name).text, text, sizeof text);
    return n <= 0 ? xstrdup("") : xstrndup(text, (size_t)n);
}

static char *trace_process_arguments(pid_t pid, size_t *length) {
    char text[4096];
    int fd = open(proc_path(pid, "cmdline").text, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);
    if (fd >= 0) close(fd);
    *length = n > 0 ? (size_t)n : 0;
    if (*length == sizeof text) text[sizeof text - 1] = '\0';
    return memcpy(xcalloc(1, *length + 1), text, *length);
}

static uint32_t trace_process_write(struct trace_processes *all, pid_t pid, uint32_t parent,
                                    bool is_fork) {
    size_t bytes;
    char *program = trace_process_link(pid, "exe"),
         *arguments = trace_process_arguments(pid, &bytes);
    uint32_t number =
        trace_writer_process(all->writer, &(struct mallow_trace_process){.pid = (uint32_t)pid,
                                                                         .parent = parent,
                                                                         .is_fork = is_fork,
                                                                         .program = program,
                                                                         .arguments = arguments,
                                                                         .arguments_bytes = bytes});
    free(program);
    free(arguments);
    return number;
}

/* Returns the last process with the PID, except for one, or NULL. */
static struct trace_process *trace_process_with(const struct trace_processes *all, pid_t pid,
                                                const struct trace_process *except) {
    for (uint32_t i = all->count; i-- > 1;)
        if (all->list[i] != NULL && all->list[i] != except && all->list[i]->pid == pid)
            return all->list[i];
    return NULL;
}

struct trace_process *trace_process_before_exec(const struct trace_processes *all,
                                                const struct trace_process *process) {
    return trace_process_with(all, process->pid, process);
}

struct trace_process *trace_process_add(struct trace_processes *all, uint32_t number, pid_t pid,
                                        uint32_t forked_by, pid_t parent) {
    if (number == 0 || number >= NUMBERS_MAX) return NULL;
    if (number >= all->count) {
        uint32_t count = number * 2 + 16;
        all->list = xnonnull(reallocarray(all->list, count, sizeof *all->list));
        memset(all->list + all->count, 0, (count - all->count) * sizeof *all->list);
        all->count = count;
    }
    struct trace_process *process = xcalloc(1, sizeof *process);
    process->parent = trace_process_find(all, forked_by);
    const struct trace_process *before = process->parent;
    if (before == NULL) before = trace_process_with(all, pid, NULL);
    if (before == NULL) before = trace_process_with(all, parent, NULL);
    process->pid = pid;
    process->number =
        trace_process_write(all, pid, before == NULL ? 0 : before->number, process->parent != NULL);
    process->memory = open(proc_path(pid, "statm").text, O_RDONLY | O_CLOEXEC);
    process->frames = xcalloc(1, sizeof *process->frames);
    all->list[number] = process;
    return process;
}

/* ---- threads ---- */

struct trace_live_thread {
    pid_t tid;
    uint32_t number, rings;
};

static struct trace_live_thread *trace_process_live(const struct trace_process *process,
                                                    pid_t tid) {
    for (uint32_t i = 0; i < process->thread_count; i++)
        if (process->threads[i].rings != 0 && process->threads[i].tid == tid)
            return &process->threads[i];
    return NULL;
}

static struct trace_live_thread *trace_process_free_thread(struct trace_process *process) {
    for (uint32_t i = 0; i < process->thread_count; i++)
        if (process->threads[i].rings == 0) return &process->threads[i];
    process->threads = xgrow(process->threads, process->thread_count, sizeof *process->threads);
    return &process->threads[process->thread_count++];
}

static uint32_t trace_process_add_thread(struct trace_processes *all, struct trace_process *process,
                                         pid_t tid) {
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "task/%d/comm", (int)tid);
    FILE *file = proc_open(process->pid, path);
    if (file != NULL) {
        if (fgets(name, sizeof name, file) != NULL) name[strcspn(name, "\n")] = '\0';
        fclose(file);
    }
    process->thread = trace_writer_thread(
        all->writer, &(struct mallow_trace_thread){
                         .process = process->number, .tid = (uint32_t)tid, .name = name});
    return process->thread;
}

uint32_t trace_process_take_thread(struct trace_processes *all, struct trace_process *process,
                                   pid_t tid, bool *is_new) {
    struct trace_live_thread *thread = trace_process_live(process, tid);
    *is_new = thread == NULL;
    if (thread == NULL) {
        thread = trace_process_free_thread(process);
        *thread = (struct trace_live_thread){.tid = tid,
                                             .number = trace_process_add_thread(all, process, tid)};
    }
    thread->rings++;
    return thread->number;
}

bool trace_process_drop_thread(struct trace_process *process, pid_t tid) {
    struct trace_live_thread *thread = trace_process_live(process, tid);
    return thread != NULL && --thread->rings == 0;
}

/* ---- stacks ---- */

static bool trace_process_has_file(const struct process_map *map, const struct mapped_file *file) {
    const struct mapped_file *known = map == NULL ? NULL : process_map_find(map, file->start);
    return known != NULL && known->start == file->start && known->end == file->end &&
           known->offset == file->offset && strcmp(known->path, file->path) == 0;
}

/* Looks at the map again, and adds the files that are new. */
static void trace_process_read_map(struct trace_processes *all, struct trace_process *process) {
    struct trace_frames *frames = process->frames;
    frames->looked_at = clock_ms();
    struct process_map *map = process_map_read(process->pid);
    if (map->count == 0) {
        process_map_free(map); /* the process has ended */
        return;
    }
    for (size_t i = 0; i < map->count; i++) {
        const struct mapped_file *file = &map->files[i];
        if (trace_process_has_file(frames->map, file)) continue;
        if (!file->is_executable) continue;
        trace_writer_module(all->writer, &(struct mallow_trace_module){.process = process->number,
                                                                       .start = file->start,
                                                                       .end = file->end,
                                                                       .offset = file->offset,
                                                                       .path = file->path});
    }
    if (frames->map != NULL) process_map_free(frames->map);
    frames->map = map;
}

static bool trace_process_knows(const struct trace_process *process, uint64_t pc) {
    for (; process != NULL; process = process->parent)
        if (process->frames->map != NULL && process_map_find(process->frames->map, pc - 1) != NULL)
            return true;
    return false;
}

void trace_process_node(struct trace_processes *all, struct trace_process *process, uint32_t node,
                        uint32_t caller, uint64_t pc) {
    struct trace_frames *frames = process->frames;
    if (node >= NUMBERS_MAX * 2) return;
    if (!trace_process_knows(process, pc) &&
        (frames->map == NULL || clock_ms() - frames->looked_at >= MAP_PAUSE_MS))
        trace_process_read_map(all, process);
    if (node >= frames->room) {
        uint32_t room = node * 2 + 1024;
        frames->numbers = xnonnull(reallocarray(frames->numbers, room, sizeof *frames->numbers));
        memset(frames->numbers + frames->room, 0, (room - frames->room) * sizeof *frames->numbers);
        frames->room = room;
    }
    frames->numbers[node] =
        trace_writer_frame(all->writer, process->number, trace_process_stack(process, caller), pc);
}

uint32_t trace_process_stack(const struct trace_process *process, uint32_t node) {
    return node < process->frames->room ? process->frames->numbers[node] : 0;
}

/* ---- memory ---- */

void trace_process_sample(struct trace_processes *all, struct trace_process *process,
                          uint64_t time) {
    char text[128];
    unsigned long size, resident, shared;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    ssize_t n = process->memory < 0 || process->thread == 0
                    ? -1
                    : pread(process->memory, text, sizeof text - 1, 0);
    if (n <= 0) return;
    text[n] = '\0';
    if (sscanf(text, "%lu %lu %lu", &size, &resident, &shared) != 3 || resident == 0) return;
    uint64_t rings = process->pages_of_rings < resident ? process->pages_of_rings : 0;
    trace_writer_add(all->writer, &(struct mallow_trace_event){
                                      .kind = MALLOW_TRACE_RESIDENT,
                                      .time = time,
                                      .thread = process->thread,
                                      .size = (resident - rings) * page,
                                      .count = (resident > shared ? resident - shared : 0) * page});
}

void trace_process_free(struct trace_processes *all) {
    for (uint32_t i = 0; i < all->count; i++) {
        struct trace_process *process = all->list[i];
        if (process == NULL) continue;
        if (process->memory >= 0) close(process->memory);
        if (process->frames->map != NULL) process_map_free(process->frames->map);
        free(process->frames->numbers);
        free(process->threads);
        free(process->frames);
        free(process);
    }
    free(all->list);
}
