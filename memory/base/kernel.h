/*
 * The system calls of this library. Tests make some of them fail (tests/memory/failing.c).
 *
 * A function that can fail returns a result that says so. If a system call failed, errno has the
 * reason. All functions are async-signal-safe.
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

/* Returns false if that fails. */
bool kernel_unmap(void *p, size_t bytes);

/* Reads at most `room` - 1 bytes of a file and adds a null byte. Returns the number of bytes
 * without it, or -1 on failure. */
long kernel_read_file(const char *path, char *text, size_t room);

/* Returns the number of lines of a file, or -1 if it is unreadable. */
long kernel_count_lines(const char *path);

/* Stores a soft limit of the process (RLIMIT_AS, ...), or UINT64_MAX if it is unlimited. Returns
 * false on failure. */
bool kernel_limit(int resource, uint64_t *limit);

struct kernel_mapping {
    uintptr_t low, high;
    bool is_guarded; /* inaccessible memory is directly below */
};

/* Finds the mapping with the name `name`, or, if `name` is empty, the anonymous mapping that
 * contains the address. Returns false if there is none; *mapping is then unspecified. */
bool kernel_find_mapping(const char *name, uintptr_t address, struct kernel_mapping *mapping);

/* Returns true if all of the bytes, which are whole pages, are mapped. Returns false for more than
 * 16 pages. */
bool kernel_is_mapped(void *p, size_t bytes);

bool kernel_is_first_thread(void);

/* Returns true if the caller runs on the alternate signal stack of sigaltstack(2). */
bool kernel_is_on_signal_stack(void);

/* Block all signals of the thread and store the previous mask, and restore that mask. */
void kernel_block_signals(sigset_t *before);
void kernel_restore_signals(const sigset_t *before);

#endif
