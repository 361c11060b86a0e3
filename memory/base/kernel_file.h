/*
 * The system calls for files and mappings. Tests make some of them fail.
 *
 * A function that can fail returns a result that says so, and errno then has the reason. All
 * functions are async-signal-safe.
 */
#ifndef MALLOW_KERNEL_FILE_H
#define MALLOW_KERNEL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- files ---- */

enum kernel_file_kind { KERNEL_FILE, KERNEL_DEVICE, KERNEL_DIRECTORY, KERNEL_OTHER_FILE };

struct kernel_file_state {
    enum kernel_file_kind kind;
    bool can_read, can_write;
    uint64_t bytes; /* 0 for devices without a length */
    uint64_t device, inode;
    size_t page; /* mappings consist of pages of this size */
};

/* Opens a file as open(2) does, with mode 0666, without blocking and close-on-exec. Returns -1 on
 * failure. */
int kernel_open(const char *path, int flags);

/* Returns -1 on failure. The copy is close-on-exec. */
int kernel_duplicate(int fd);

/* Keeps errno. */
void kernel_close(int fd);

/* Returns false on failure. */
bool kernel_describe_file(int fd, struct kernel_file_state *file);

/* Returns true if the descriptor is open for this file, and stores the length of the file. Keeps
 * errno. */
bool kernel_is_file(int fd, uint64_t device, uint64_t inode, uint64_t *bytes);

/* Makes a file at least `from + bytes` bytes long, and reserves space on the disk for the range.
 * Returns false on failure. */
bool kernel_reserve(int fd, uint64_t from, uint64_t bytes);

/* Sets the length of a file. Returns false on failure. */
bool kernel_set_length(int fd, uint64_t bytes);

/* Returns true if the file system of the file is known to be full. Keeps errno. */
bool kernel_is_disk_full(int fd);

/* Creates a file without a path, whose pages are huge if is_huge is set. Returns -1 on failure. */
int kernel_memory_file(const char *name, bool is_huge);

/* Adds seals (F_SEAL_...). Returns false on failure. */
bool kernel_seal(int fd, int seals);

/* ---- mappings ---- */

/* Calls mmap(2). Returns NULL on failure. Fails with EEXIST if flags has MAP_FIXED_NOREPLACE and
 * the range is in use. */
void *kernel_map_pages(void *at, size_t bytes, int protection, int flags, int fd, uint64_t offset);

/* Names anonymous pages in /proc/PID/maps, if the kernel can. Keeps errno. */
void kernel_name_pages(void *p, size_t bytes, const char *name);

/* Moves pages over others with mremap(2). If is_kept is set, the old pages stay mapped, but empty.
 * Returns false on failure. */
bool kernel_move_pages(void *from, size_t bytes, void *to, bool is_kept);

/* Call mprotect(2), madvise(2), msync(2) and mincore(2). Return false on failure. */
bool kernel_protect(void *p, size_t bytes, int protection);
bool kernel_advise(void *p, size_t bytes, int advice);
bool kernel_sync(void *p, size_t bytes, int flags);
bool kernel_residency(void *p, size_t bytes, unsigned char *pages);

/* Starts to write changed pages of a file to the disk. Returns false on failure. */
bool kernel_start_writing(int fd, uint64_t from, uint64_t bytes);

/* ---- texts from /proc ---- */

/* Calls see(state, line) for each line of a file, without its newline, until it returns false.
 * Lines of more than 8 KiB are cut. Returns false if the file is unreadable. */
bool kernel_read_lines(const char *path, bool (*see)(void *state, const char *line), void *state);

#endif
