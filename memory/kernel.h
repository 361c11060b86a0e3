/*
 * The system calls of this library. Tests make each of them fail (tests/memory).
 *
 * Each returns a result that says whether it worked. After a failure the reason is in errno; what
 * was to be changed is unchanged. Each is async-signal-safe.
 */
#ifndef MALLOW_KERNEL_H
#define MALLOW_KERNEL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the page size in bytes. */
size_t kernel_page(void);

/* Maps zeroed private memory, a multiple of the page size, under a name that /proc/PID/maps shows
 * as [anon:NAME] since Linux 5.17. Returns NULL if that fails. */
void *kernel_map(size_t bytes, const char *name);

bool kernel_unmap(void *p, size_t bytes);

/* Reads at most `room` - 1 bytes of a file and ends them with 0. Returns their number, or -1. */
long kernel_read_file(const char *path, char *text, size_t room);

/* Returns the number of lines of a file, or -1 if it is unreadable. */
long kernel_count_lines(const char *path);

/* Stores a soft limit of the process (RLIMIT_AS, ...), UINT64_MAX for none. */
bool kernel_limit(int resource, uint64_t *limit);

struct kernel_mapping {
    uintptr_t low, high;
};

/* Finds the mapping of the process that contains the address and has no name, or, if `name` is not
 * empty, the mapping with that name. Returns false if there is none. */
bool kernel_find_mapping(const char *name, uintptr_t address, struct kernel_mapping *mapping);

/* Returns true if the bytes, whole pages, are mapped. */
bool kernel_is_mapped(void *p, size_t bytes);

bool kernel_is_first_thread(void);

/* Returns true if the caller runs on the stack of sigaltstack(2). */
bool kernel_is_on_signal_stack(void);

/* Blocks all signals of the thread, or sets the mask that was stored. */
void kernel_block_signals(sigset_t *before);
void kernel_restore_signals(const sigset_t *before);

#endif
