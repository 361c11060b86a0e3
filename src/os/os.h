/*
 * The operating system, behind one contract.
 *
 * No function here allocates, takes a lock of libc or changes errno; only the return value reports
 * the result. All are thread-safe. tests/inject lets each call of each function that can fail do so
 * once, and callers must then keep the heap intact. Sizes are in bytes; sizes and addresses of
 * mappings are multiples of the page size.
 */
#ifndef MALLOW_OS_H
#define MALLOW_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the page size of the running kernel: 4, 16 or 64 KiB. */
size_t os_page_size(void);

/* Returns the number of bits in a program's addresses: 47 on most machines, 39 or less on small
 * ones. */
unsigned os_address_bits(void);

/* Reserves inaccessible address space, which is not charged, dumped or locked. Returns its start,
 * aligned to GRANULE, or NULL. */
void *os_reserve(size_t bytes);

/* Makes reserved pages readable and writable; pages that were never touched read as zero. Returns
 * false, with nothing changed, if the kernel refuses. */
bool os_commit(void *start, size_t bytes);

/* Maps zeroed pages exactly at `start`. OS_EXTEND_OCCUPIED: something else is mapped there, so
 * another address may work. OS_EXTEND_REFUSED: the system has no memory, whatever the address. */
enum os_extended { OS_EXTEND_REFUSED, OS_EXTENDED, OS_EXTEND_OCCUPIED };
enum os_extended os_extend(void *start, size_t bytes);

/* Returns the program break, or NULL if there is none. Callers of sbrk move it too. */
char *os_break(void);

/* Moves the break up or down if it is at `from`; added pages read as zero. Returns false if it was
 * not moved. libc's variable is updated, so that its sbrk continues from there. */
bool os_break_move(char *from, char *to);

/* Makes mapped pages readable and writable, with their content. Returns false if refused. */
bool os_unprotect(void *start, size_t bytes);

/* Makes pages inaccessible. Callers must not rely on the content after they commit them again.
 * Returns false if refused. */
bool os_protect(void *start, size_t bytes);

/* Overwrites whole words of data that the loader keeps read-only. Other threads may read the words
 * meanwhile. Returns false if refused. */
bool os_write_protected(void *to, const void *from, size_t bytes);

/* Reserves address space exactly at `start`; fails if anything is mapped there. */
bool os_reserve_at(void *start, size_t bytes);

/* Returns pages of the caller's reservation to their first state: inaccessible and without memory;
 * they read as zero when they are committed again. If it returns false, they may be unchanged. */
bool os_discard(void *start, size_t bytes);

/* Marks pages of the caller's reservation, whatever their protection: each access faults, their
 * memory goes back, and a fork keeps the marks. Needs Linux 6.13. Returns false if refused; some of
 * the pages may then be marked. */
bool os_mark(void *start, size_t bytes);

/* Removes the marks; pages that had one read as zero. Returns false if refused. */
bool os_unmark(void *start, size_t bytes);

/* Returns the memory of the pages to the kernel; they stay accessible and read as zero afterwards.
 * Returns false if the kernel refuses (locked pages), which keeps the content. */
bool os_purge(void *start, size_t bytes);

/* Asks for huge pages as far as they fit into the range. Returns false if the kernel has none. */
bool os_advise_huge(void *start, size_t bytes);

/* Creates a mapping of zeroed pages. Returns NULL if refused. */
void *os_map(size_t bytes);

/* Removes a mapping. Returns false if refused (max_map_count), which keeps the mapping. */
bool os_unmap(void *start, size_t bytes);

/* Maps the first `bytes` of a regular file; other processes see changes at once. Returns NULL if
 * the file is shorter or cannot be opened for reading and writing. */
void *os_map_file(const char *path, size_t bytes);

/* Resizes a mapping, moving it if necessary. Returns NULL, with the mapping untouched, if refused.
 */
void *os_remap(void *start, size_t old_bytes, size_t new_bytes);

/* Resizes a mapping without moving it. Returns false, with the mapping untouched, if refused. */
bool os_remap_in_place(void *start, size_t old_bytes, size_t new_bytes);

/* Resizes a mapping and moves it to `to`. Returns false, with the mapping untouched, if refused or
 * if anything is mapped there. */
bool os_remap_to(void *start, size_t old_bytes, void *to, size_t new_bytes);

/* Moves the pages of [from, from+bytes) into a new mapping, leaving zeroed pages at `from`. Returns
 * NULL, with everything untouched, if the kernel cannot: before Linux 5.7, for locked pages, or if
 * the range consists of several kernel mappings. (The caller cannot choose the new address, because
 * the kernel would remove the mapping there before it finds out that the move fails.) */
void *os_move_pages(void *from, size_t bytes);

/* Returns the limit on the process's address space in bytes (RLIMIT_AS), or SIZE_MAX without one.
 */
size_t os_address_limit(void);

/* Returns the limit on the process's private writable memory in bytes (RLIMIT_DATA), or SIZE_MAX
 * without one. */
size_t os_data_limit(void);

/* Returns the number of mappings that the kernel allows a process. Reads a file. */
size_t os_mapping_limit(void);

int os_process_id(void);

/* Blocks all signals of the thread and returns the mask to restore. */
uint64_t os_block_signals(void);

/* Like os_block_signals, except for libc's own signals, by which setuid reaches every thread. */
uint64_t os_block_program_signals(void);

void os_restore_signals(uint64_t mask);

/* Like sigaction(2): stores the previous action in *before and sets *action; each may be NULL. */
struct sigaction;
bool os_signal_action(int signal, const struct sigaction *action, struct sigaction *before);

/* Sends the calling thread a signal. */
void os_raise(int signal);

/* Sleeps if *word == expected, until it is woken or a signal arrives; returns at once otherwise.
 * The caller checks the word again. */
void os_wait(_Atomic int *word, int expected);

/* Like os_wait, for at most `ns` nanoseconds. */
void os_wait_for(_Atomic int *word, int expected, int64_t ns);

/* Like os_wait_for, for a word that the kernel changes when a thread ends. If ns < 0, there is no
 * time limit. */
void os_wait_for_kernel(_Atomic int *word, int expected, int64_t ns);

/* Wakes one thread that sleeps in os_wait or os_wait_for. Accesses no memory through `word`. */
void os_wake_one(_Atomic int *word);

/* Returns false if the word has another value or cannot be read. Works in every sandbox that allows
 * os_wait. */
bool os_still_holds(const _Atomic uint32_t *word, uint32_t value);

/* Reads up to `bytes` of a file. Returns the number of bytes read, or -1 if it cannot be opened or
 * read. Does not wait for the writer of a pipe. */
long os_read_file(const char *path, char *buffer, size_t bytes);

/* Copies memory of this process. Returns false, instead of faulting, if `from` is not readable. */
bool os_read_memory(const void *from, void *to, size_t bytes);

/* Returns true if the byte can be read. Cheaper than os_read_memory, and allowed in any sandbox. */
bool os_is_readable(const void *at);

/* Writes the whole buffer to a descriptor, in a single write(2) if the kernel accepts it. Errors
 * are ignored. */
void os_write(int fd, const char *text, size_t bytes);

/* Like os_write, without SIGPIPE if the descriptor is a pipe without a reader. */
void os_write_quietly(int fd, const char *text, size_t bytes);

/* Opens for appending the file that has this number in the process's table of descriptors. For a
 * thread that has its own table. Returns -1 if refused. */
int os_open_process_file(int number);

/* An open file and its identity. */
struct os_file {
    int fd;
    uint64_t device, number; /* of the inode */
};

/* Opens a file for appending, at a descriptor that programs seldom use. If there is no file and
 * `create` is true, creates one with mode 0600. Does not wait for the reader of a pipe, and follows
 * no symbolic link. Returns 0 or an error number. */
int os_open_log(const char *path, bool create, struct os_file *file);

enum os_opened { OS_OPENED, OS_REFUSED, OS_IN_USE };

/* Creates or empties a file and claims it for this process. Returns OS_IN_USE, with the file
 * untouched, while another process other than the parent has claimed it. If `guessable` is true,
 * other users may create the name first, so only a regular file that the user owns is accepted, and
 * no link. */
enum os_opened os_create_log(const char *path, bool guessable, struct os_file *file);

/* Moves a descriptor to a number that programs seldom use. Returns the number. */
int os_move_high(int fd);

/* Finds the file that the path refers to now. Its descriptor is good for executing the file, but
 * not for reading it. */
bool os_find_file(const char *path, struct os_file *file);

/* Returns true if the descriptor still refers to the file. */
bool os_is_file(const struct os_file *file);

static inline bool os_is_same_file(const struct os_file *a, const struct os_file *b) {
    return a->device == b->device && a->number == b->number;
}

void os_close(int fd);

/* Returns a monotonic time in nanoseconds, accurate to a few milliseconds, without a system call.
 */
int64_t os_coarse_ns(void);

/* Returns an unpredictable random number. If the kernel does not randomise addresses, the sequence
 * is the same in every run. */
uint64_t os_random(void);

#endif
