/*
 * The system calls of shared heaps. Tests make some of them fail (tests/memory/shared).
 *
 * A function that can fail returns a result that says so, and errno has the reason. Calls that a
 * signal interrupts are repeated.
 */
#ifndef MALLOW_KERNEL_SHARED_H
#define MALLOW_KERNEL_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- descriptors ---- */

/* These return a descriptor that execve(2) closes, or -1. */
int kernel_open_at(int directory, const char *name, int flags, unsigned mode);
int kernel_open_memory(const char *name, int flags, unsigned mode); /* shm_open(3) */
int kernel_open_memfd(const char *name);

/* Opens the file of a descriptor again, so that the two have locks and positions of their own. */
int kernel_open_again(int fd, bool read_only);

void kernel_close_file(int fd);

/* ---- names ---- */

bool kernel_unlink_at(int directory, const char *name);
bool kernel_unlink_memory(const char *name); /* shm_unlink(3) */
bool kernel_rename_at(int directory, const char *from, const char *to);

/* ---- files ---- */

struct kernel_file {
    uint64_t bytes;
    bool is_regular;
    bool has_name; /* it has not been removed */
    unsigned mode; /* permissions */
};
bool kernel_describe(int fd, struct kernel_file *file);

bool kernel_set_file_mode(int fd, unsigned mode);
bool kernel_set_file_size(int fd, uint64_t bytes);

/* Allocates the bytes from `from` to `to`, so that no store to them fails; the file grows if they
 * are after its end. */
bool kernel_allocate(int fd, uint64_t from, uint64_t to);

/* Returns false and sets errno to 0 if the file ends before. */
bool kernel_read_at(int fd, void *to, size_t bytes, uint64_t offset);
bool kernel_write_at(int fd, const void *from, size_t bytes, uint64_t offset);

/* Finds the first part with data at or after *from, and stores its start in *from and its end in
 * *to. Returns false if there is none. A file system that knows no holes has one part. */
bool kernel_find_data(int fd, uint64_t *from, uint64_t *to);

/* fsync(2) */
bool kernel_sync_file(int fd);

/* Maps a file. Returns NULL if that fails. */
void *kernel_map_shared(int fd, size_t bytes, bool read_only);

/* Writes whole pages of a mapped file to its device (msync(2)). */
bool kernel_flush_shared(void *p, size_t bytes);

/* ---- locks of a file's bytes (F_OFD_SETLK in fcntl(2)) ---- */

enum kernel_byte_lock { KERNEL_BYTE_FREE, KERNEL_BYTE_SHARED, KERNEL_BYTE_EXCLUSIVE };

/* Locks or unlocks a byte. The kernel unlocks it when the last copy of the descriptor is closed. If
 * another file description has a lock, waits for it, or fails with EAGAIN. */
bool kernel_lock_byte(int fd, uint64_t byte, enum kernel_byte_lock lock, bool wait);

/* Returns true if another file description has any lock of the byte. */
bool kernel_byte_is_locked(int fd, uint64_t byte);

/* ---- others ---- */

uint64_t kernel_random(void);

/* Returns the number of the process's PID namespace, at most 32 bits, or 0 if it is unknown. */
uint64_t kernel_pid_namespace(void);

void kernel_sleep_ms(unsigned ms);

#endif
