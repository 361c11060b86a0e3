/* The processes of a trace that is being recorded: their names, modules, stacks and memory. */
#ifndef MALLOW_TRACE_PROCESS_H
#define MALLOW_TRACE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct trace_writer;
struct trace_process;

struct trace_processes {
    struct trace_writer *writer;
    struct trace_process **list; /* by the number that the program gave them */
    uint32_t count;
};

struct trace_process {
    uint32_t number; /* in the trace */
    uint32_t thread; /* the last that was seen, in the trace */
    pid_t pid;       /* 0: unknown */
    int memory;      /* /proc/PID/statm, or -1 */
    uint64_t pages_of_rings;
    struct trace_frames *frames;
    struct trace_live_thread *threads;
    uint32_t thread_count;
    struct trace_process *parent; /* that was forked, or NULL */
};

/* Returns the process with the program's number, or NULL if it is not known. */
struct trace_process *trace_process_find(const struct trace_processes *all, uint32_t number);

/* Adds a process. `forked_by` is the program's number of the process that forked it, or 0, and
 * `parent` the PID of its parent. Returns NULL if the number is impossible. */
struct trace_process *trace_process_add(struct trace_processes *all, uint32_t number, pid_t pid,
                                        uint32_t forked_by, pid_t parent);

/* Returns the process that executed this one: the last one before it with its PID, or NULL. */
struct trace_process *trace_process_before_exec(const struct trace_processes *all,
                                                const struct trace_process *process);

/* Adds a thread, unless it has another ring already, and returns its number in the trace. A handler
 * that interrupts the recording uses a ring of its own. */
uint32_t trace_process_take_thread(struct trace_processes *all, struct trace_process *process,
                                   pid_t tid, bool *is_new);

/* Notes that the thread has one ring less. Returns true if it has none, and so has ended. */
bool trace_process_drop_thread(struct trace_process *process, pid_t tid);

/* Learns a node of the process's stacks. */
void trace_process_node(struct trace_processes *all, struct trace_process *process, uint32_t node,
                        uint32_t caller, uint64_t pc);

/* Returns the number of a stack in the trace, or 0. */
uint32_t trace_process_stack(const struct trace_process *process, uint32_t node);

/* Adds an event for the memory that the process has in use, without that of the rings. */
void trace_process_sample(struct trace_processes *all, struct trace_process *process,
                          uint64_t time);

void trace_process_free(struct trace_processes *all);

#endif
