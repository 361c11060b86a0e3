/*
 * The operating system, behind one contract.
 *
 * No function here allocates, takes a lock of libc's or changes errno: each answers with its
 * return value alone. Every one that can fail is made to fail, once at each call, by
 * tests/inject, so a caller must leave the heap whole when it does.
 */
#ifndef MALLOW_OS_H
#define MALLOW_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a page of the running kernel: 4, 16 or 64 KiB. */
size_t os_page_size(void);

/* The width of a program's addresses: 47 on most machines, 39 or less on small ones. */
unsigned os_address_bits(void);

/* Reserves address space that nothing may touch yet: not charged, not dumped, not locked.
 * bytes: a multiple of the page size. Returns its start aligned to GRANULE, or NULL. */
void *os_reserve(size_t bytes);

/* Makes reserved pages readable and writable; those never touched before read as zero.
 * Returns false, with nothing changed, when the kernel refuses. */
bool os_commit(void *start, size_t bytes);

/* Maps zeroed pages exactly at `start`. OS_EXTEND_OCCUPIED: something else is mapped there, so
 * another place may do; OS_EXTEND_REFUSED: the system has no memory for them, wherever they are. */
enum os_extended { OS_EXTEND_REFUSED, OS_EXTENDED, OS_EXTEND_OCCUPIED };
enum os_extended os_extend(void *start, size_t bytes);

/* The program break, which whoever calls sbrk moves too; NULL where there is none. */
char *os_break(void);

/* Moves the break up or down, if it stands at `from`; pages that this adds read as zero. libc is
 * kept informed of it, so that its sbrk goes on from there. */
bool os_break_move(char *from, char *to);

/* Makes pages inaccessible; their content is lost when they are committed again (see os_purge). */
bool os_protect(void *start, size_t bytes);

/* Writes whole words to what the loader keeps read-only; false when refused. Other threads may read
 * the words meanwhile. */
bool os_write_protected(void *to, const void *from, size_t bytes);
/* Reserves address space exactly at `start`, where nothing may be mapped yet. */
bool os_reserve_at(void *start, size_t bytes);

/* Makes pages of the caller's reservation what they were at first: inaccessible and without memory;
 * they read as zero when they are committed again. When it returns false they may be as before. */
bool os_discard(void *start, size_t bytes);

/* Gives the pages' memory back; they stay accessible and read as zero afterwards.
 * Returns false when the kernel refuses (locked pages): the content is then still there. */
bool os_purge(void *start, size_t bytes);

/* Asks for huge pages there, as far as they fit; false when the kernel has none. */
bool os_advise_huge(void *start, size_t bytes);

/* A mapping of its own, zeroed; NULL when refused. */
void *os_map(size_t bytes);

/* Removes a mapping. False when refused (max_map_count): it is then still there. */
bool os_unmap(void *start, size_t bytes);

/* Maps the first `bytes` of a regular file, which other processes see change at once. NULL when it
 * cannot be opened for reading and writing, or is shorter. */
void *os_map_file(const char *path, size_t bytes);

/* Resizes a mapping, moving it if it must; NULL when refused, and then it is untouched. */
void *os_remap(void *start, size_t old_bytes, size_t new_bytes);

/* Moves the pages of [from, from+bytes) into a new mapping, leaving zeroed pages at `from`. NULL,
 * with everything untouched, where the kernel cannot: before Linux 5.7, locked pages, a range that
 * is of several mappings to it. (To a place of the caller's choice is not offered: the kernel then
 * removes what is there before it finds out that it cannot.) */
void *os_move_pages(void *from, size_t bytes);

/* How much address space the process may have (RLIMIT_AS), SIZE_MAX without a limit; and how many
 * mappings the kernel keeps for it. */
size_t os_address_limit(void);
size_t os_mapping_limit(void);

int os_process_id(void);

/* Blocks all signals of the thread and returns the mask to restore. */
uint64_t os_block_signals(void);
/* The same but for libc's own, by which setuid reaches every thread. */
uint64_t os_block_program_signals(void);
void os_restore_signals(uint64_t mask);

/* What a signal does, and is to do from now on; NULL: not asked for, stays as it is. */
struct sigaction;
bool os_signal_action(int signal, const struct sigaction *action, struct sigaction *before);

/* Sends the calling thread a signal. */
void os_raise(int signal);

/* Sleeps while *word == expected; returns at once when it is not, or when woken. */
void os_wait(_Atomic int *word, int expected);
/* The same, for at most so many nanoseconds. */
void os_wait_for(_Atomic int *word, int expected, int64_t ns);
/* The same, for a word that the kernel changes when a thread ends; ns < 0: without limit. */
void os_wait_for_kernel(_Atomic int *word, int expected, int64_t ns);
void os_wake_one(_Atomic int *word);

/* Whether the word has that value; false also when it cannot be read. Allowed wherever os_wait is.
 */
bool os_still_holds(const _Atomic uint32_t *word, uint32_t value);

/* Reads up to `bytes` of a file; returns how many, or -1. Waits for nobody to write to a pipe. */
long os_read_file(const char *path, char *buffer, size_t bytes);

/* Copies from our own memory; false instead of a fault when `from` is not readable. */
bool os_read_memory(const void *from, void *to, size_t bytes);

/* Whether the byte there can be read. Cheaper than the above, and allowed in any sandbox. */
bool os_is_readable(const void *at);

/* Writes the whole buffer to a descriptor, in one write where the kernel takes it in one. */
void os_write(int fd, const char *text, size_t bytes);
/* The same, without the signal that a pipe sends which nobody reads any more. */
void os_write_quietly(int fd, const char *text, size_t bytes);

/* Opens once more what a number means in the process's own table of descriptors: for a thread that
 * has another one. -1 when refused. */
int os_open_process_file(int number);

/* An open file, and which one it is. */
struct os_file {
    int fd;
    uint64_t device, number;
};

/* Opens a file to append to it, at a descriptor that programs seldom use; `create`: if there is
 * none, for the user alone. Does not wait for the reader of a pipe, and follows no symbolic link.
 * Returns 0, or an error number. */
int os_open_log(const char *path, bool create, struct os_file *file);

enum os_opened { OS_OPENED, OS_REFUSED, OS_IN_USE };

/* Creates a file or empties it, and has it for this process alone: it is in use (and untouched)
 * while another process, which is not our parent, has it so. `guessable`: others may know the name
 * before the file is there, so only a regular file of the user's own will do, and no link to one.
 */
enum os_opened os_create_log(const char *path, bool guessable, struct os_file *file);

/* Finds the file that the path means now; its descriptor serves to execute it, not to read it. */
bool os_find_file(const char *path, struct os_file *file);

/* Whether the descriptor is still that of the file. */
bool os_is_file(const struct os_file *file);

static inline bool os_is_same_file(const struct os_file *a, const struct os_file *b) {
    return a->device == b->device && a->number == b->number;
}
void os_close(int fd);

/* A clock that only goes forward, in nanoseconds, exact to a few milliseconds. No system call. */
int64_t os_coarse_ns(void);

uint64_t os_random(void);

#endif
