/*
 * What of the operating system the leak check and the symbolizer need, and nobody else: a copy of
 * the process, its threads, a signal; another program. As in os.h nothing here allocates or takes a
 * lock, and each function answers with its return value; errno, the thread's own, may change.
 */
#ifndef MALLOW_OS_PROCESS_H
#define MALLOW_OS_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/os.h"

/* A copy of the process, in which the calling thread alone goes on and nothing of the program's
 * runs: 0 in the copy, else its number, or -1 when refused. The program cannot wait for it, is not
 * told of its end, and it does not outlive the calling thread. */
int os_copy_process(void);

/* Waits for its end: its exit status, or -1 when it was killed. */
int os_await_copy(int copy);

/* Ends it, at once. */
_Noreturn void os_end_copy(int status);

/* Calls back with each thread of the process; false when that cannot be known. */
bool os_each_thread(void (*call)(void *to, int thread), void *to);

/* Sends a signal to a thread; signal 0 only asks whether it is there. False when refused. */
bool os_signal_thread(int thread, int signal);
bool os_thread_is_gone(int thread);

typedef void (*os_signal_handler)(int signal, siginfo_t *info, void *context);

/* Sets a handler where there is none: interrupted system calls go on as far as they can. False when
 * somebody has one. */
bool os_take_signal(int signal, os_signal_handler handler);
/* Takes it away again, with all signals of the number that wait. */
void os_leave_signal(int signal, os_signal_handler handler);

/* In a copy: the handler is called for accesses that fail, also from within itself. */
void os_catch_faults(os_signal_handler handler);

/* In a copy: makes mapped pages readable, with what they hold. False when refused. */
bool os_make_readable(void *start, size_t bytes);

/* Whether any process has the page of shared memory; true when that cannot be known. */
bool os_is_cached(void *page);

int os_open_read(const char *path);
/* So many bytes at the offset, or false. */
bool os_read_at(int fd, void *buffer, size_t bytes, uint64_t offset);

/* A file in memory, without a name. -1 when refused, or when the process may write small files
 * only: what is above that bound is answered by a signal. */
int os_memory_file(void);

/* A program, and the file that its path meant when it was looked for. */
struct os_program {
    const char *path;
    struct os_file file;
};

/* The path stays the caller's. If there is no such file, the program never runs. */
void os_find_program(struct os_program *program, const char *path);

/* Runs the program with one argument, no environment, all signals at their defaults, and as its
 * standard descriptors: it reads `from` from the beginning and writes to `to`. Returns its exit
 * status, or another number than 0 if it was killed, was not started, had not ended after so many
 * milliseconds (then it is killed), or if its path means another file now. The process that calls
 * does not notice its end. Signals must be blocked. */
int os_run_filter(const struct os_program *program, const char *argument, int from, int to,
                  int milliseconds);

/* Hands all of the file's content to a function, in pieces. */
void os_copy_file(int from, void (*to)(const char *bytes, size_t count));

/* 0 if the thread is under no system call filter, else a number that grows with each of them, or
 * -1 if they cannot be counted. */
int os_call_filters(void);

void os_wake_all(_Atomic int *word);

/* A clock that only goes forward, in nanoseconds. */
int64_t os_exact_ns(void);

#endif
