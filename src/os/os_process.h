/*
 * System services that only the leak check and the symbolizer need: a copy of the process, its
 * threads, a signal, and another program. As in os.h, nothing here allocates or takes a lock, and
 * only the return value reports the result; but errno may change.
 */
#ifndef MALLOW_OS_PROCESS_H
#define MALLOW_OS_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/os.h"

/* Creates a copy of the process in which only the calling thread continues and no code of the
 * program runs. Returns 0 in the copy, and its process ID or -1 (refused) in the original. The
 * program cannot wait for the copy and receives no signal at its end. The copy ends when the
 * calling thread ends. */
int os_copy_process(void);

/* Waits for the end of a copy. Returns its exit status, or -1 if it was killed. */
int os_await_copy(int copy);

/* Ends the copy that calls it, at once. */
_Noreturn void os_end_copy(int status);

/* Calls `call` with each thread of the process. Returns false if they cannot be listed. */
bool os_each_thread(void (*call)(void *to, int thread), void *to);

/* Sends a signal to a thread; signal 0 only checks that it exists. Returns false if refused. */
bool os_signal_thread(int thread, int signal);

/* Returns true if no thread of the process has this ID. */
bool os_thread_is_gone(int thread);

typedef void (*os_signal_handler)(int signal, siginfo_t *info, void *context);

/* Sets a handler for a signal that has none. System calls that it interrupts continue if they can.
 * Returns false if the signal has a handler or is ignored. */
bool os_take_signal(int signal, os_signal_handler handler);

/* Removes the handler, and discards pending signals of that number. */
void os_leave_signal(int signal, os_signal_handler handler);

/* In a copy: calls the handler for failing accesses, including those of the handler itself. */
void os_catch_faults(os_signal_handler handler);

/* In a copy: makes mapped pages readable and keeps their content. Returns false if refused. */
bool os_make_readable(void *start, size_t bytes);

/* Returns false if the page of shared memory has no memory yet in any process; true otherwise, or
 * if that cannot be determined. */
bool os_is_cached(void *page);

/* Stores for each page of the range whether it is in memory, in bit 0 of a byte. Returns false if
 * part of the range is not mapped, or if that cannot be determined. */
bool os_find_resident(const void *start, size_t bytes, unsigned char *pages);

/* Returns a descriptor, or -1. */
int os_open_read(const char *path);

/* Reads exactly `bytes` at the offset. Returns false otherwise. */
bool os_read_at(int fd, void *buffer, size_t bytes, uint64_t offset);

/* Creates a file in memory without a name. Returns its descriptor, or -1 if refused or if the
 * process has a low limit on file sizes (RLIMIT_FSIZE), because writing beyond the limit raises a
 * signal. */
int os_memory_file(void);

/* A program, and the file that its path referred to when it was looked up. */
struct os_program {
    const char *path;
    struct os_file file;
};

/* Looks a program up. `path` must stay valid. If the file does not exist, the program never runs.
 */
void os_find_program(struct os_program *program, const char *path);

/* Runs the program with one argument, an empty environment and all signals at their defaults. Its
 * standard input is `from`, read from the beginning; its standard output and error are `to`.
 * Returns its exit status, or a number other than 0 if it was killed or not started, if it had not
 * ended after `milliseconds` (it is then killed), or if its path refers to another file now. The
 * calling process does not notice its end. Signals must be blocked. */
int os_run_filter(const struct os_program *program, const char *argument, int from, int to,
                  int milliseconds);

/* Passes the whole content of a file to a function, in pieces. */
void os_copy_file(int from, void (*to)(const char *bytes, size_t count));

/* Returns 0 if the thread has no system call filter, otherwise a number that grows with each
 * filter, or -1 if the filters cannot be counted. Not thread-safe. */
int os_call_filters(void);

/* Wakes all threads that sleep in os_wait or os_wait_for. */
void os_wake_all(_Atomic int *word);

/* Return times in nanoseconds: a monotonic one, and the time since 1970. */
int64_t os_exact_ns(void);
int64_t os_wall_ns(void);

/* Returns the ID of the parent process. */
int os_parent_id(void);

/* Gives anonymous pages a name in /proc/PID/maps, if the kernel can (CONFIG_ANON_VMA_NAME). */
void os_name_memory(void *start, size_t bytes, const char *name);

#endif
