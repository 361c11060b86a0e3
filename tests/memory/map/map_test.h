/* Files, children and /proc for the tests of mappings. */
#ifndef MAP_TEST_H
#define MAP_TEST_H

#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/kernel.h"
#include "mallow/map.h"

/* Fails with the text of the error. */
#define OK(call)                                                                             \
    do {                                                                                     \
        enum mallow_result ok_result = (call);                                               \
        if (ok_result != MALLOW_OK) fail_msg("%s: %s", #call, mallow_error_text(ok_result)); \
    } while (0)

/* Also compares the error's text. */
#define FAILS(call, its_result, text)                               \
    do {                                                            \
        enum mallow_result fails_result = (call);                   \
        assert_int_equal(fails_result, its_result);                 \
        assert_string_equal(mallow_error_text(fails_result), text); \
        assert_int_equal(errno, mallow_last_error().error);         \
    } while (0)

/* Ends a child process with a message unless the condition holds. */
#define MUST(condition)                                                         \
    do {                                                                        \
        if (!(condition)) {                                                     \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, \
                    mallow_error_text(mallow_last_error().result));             \
            _exit(1);                                                           \
        }                                                                       \
    } while (0)

/* Runs the function in a child process and returns the child's status. */
static inline int in_child(void (*run)(void)) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        run();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* ---- files ---- */

static inline const char *folder_of(bool on_tmpfs) { return on_tmpfs ? "/dev/shm" : "/var/tmp"; }

static inline char byte_at(uint64_t offset) { return (char)(offset % 251 + 1); }

/* Makes a file with byte_at(i) at each offset i. Returns the descriptor and stores the path. */
static inline int make_file(bool on_tmpfs, size_t bytes, char path[64]) {
    snprintf(path, 64, "%s/mallow.map.XXXXXX", folder_of(on_tmpfs));
    int fd = mkostemp(path, O_CLOEXEC);
    assert_true(fd >= 0);
    char *content = malloc(bytes + 1);
    for (size_t i = 0; i < bytes; i++) content[i] = byte_at(i);
    assert_int_equal(write(fd, content, bytes), bytes);
    free(content);
    return fd;
}

/* Makes a file that disappears when it is closed. */
static inline int make_unlinked(bool on_tmpfs, size_t bytes) {
    char path[64];
    int fd = make_file(on_tmpfs, bytes, path);
    unlink(path);
    return fd;
}

static inline uint64_t size_of(int fd) {
    struct stat state;
    assert_int_equal(fstat(fd, &state), 0);
    return (uint64_t)state.st_size;
}

static inline uint64_t disk_bytes_of(int fd) {
    struct stat state;
    assert_int_equal(fstat(fd, &state), 0);
    return (uint64_t)state.st_blocks * 512;
}

static inline int count_descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    return count;
}

/* ---- mappings of each kind ---- */

/* Makes a mapping of three pages. All but the one for reading are filled with 'w'. Stores the
 * file's descriptor, or -1. */
enum kind { MEMORY, SHARED, PRIVATE, WRITE, READ, KINDS };
static inline void make_of(enum kind kind, struct mallow_map *map, int *fd) {
    size_t page = kernel_page();
    *fd = kind >= PRIVATE ? make_unlinked(kind != WRITE, 3 * page) : -1;
    if (kind == MEMORY) OK(mallow_map_memory(3 * page, 0, NULL, map));
    if (kind == SHARED) OK(mallow_map_shared(3 * page, 0, NULL, map, NULL));
    if (kind == PRIVATE) OK(mallow_map_descriptor(*fd, 0, 3 * page, MALLOW_MAP_PRIVATE, map));
    if (kind == WRITE) OK(mallow_map_descriptor(*fd, 0, 3 * page, MALLOW_MAP_WRITE, map));
    if (kind == READ) OK(mallow_map_descriptor(*fd, 0, 3 * page, MALLOW_MAP_READ, map));
    if (kind != READ) memset(map->data, 'w', 3 * page);
}

/* ---- /proc/self/smaps ---- */

struct seen {
    int parts;       /* the number of mappings that the kernel shows in the range */
    char access[8];  /* access of the last mapping, such as "rw-p" */
    char name[128];  /* name of the last mapping, or "" */
    char flags[128]; /* flags of the last mapping */
    struct mallow_map_shares sum;
    uint64_t resident;
};

/* Describes the mappings that overlap the range. Only those that are entirely in the range are
 * added up. The kernel may show memory together with its neighbours. */
static inline struct seen see(const void *p, size_t bytes) {
    struct seen seen = {0};
    char line[512];
    uintptr_t low = 0, high = 0, from = (uintptr_t)p / kernel_page() * kernel_page();
    uintptr_t to = ((uintptr_t)p + bytes + kernel_page() - 1) / kernel_page() * kernel_page();
    FILE *smaps = fopen("/proc/self/smaps", "r");
    assert_non_null(smaps);
    while (fgets(line, sizeof line, smaps) != NULL) {
        char access[8], name[128] = "", field[32];
        unsigned long first, last, kilobytes;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %127[^\n]", &first, &last, access, name) >= 3) {
            low = first, high = last;
            if (high <= from || low >= to) continue;
            seen.parts++;
            strcpy(seen.access, access);
            strcpy(seen.name, name);
        }
        if (high <= from || low >= to) continue;
        if (strncmp(line, "VmFlags: ", 9) == 0) memcpy(seen.flags, line, sizeof seen.flags - 1);
        if (low < from || high > to) continue;
        if (sscanf(line, "%31[^:]: %lu kB", field, &kilobytes) != 2) continue;
        uint64_t *sum = strcmp(field, "Private_Dirty") == 0   ? &seen.sum.private_dirty
                        : strcmp(field, "Private_Clean") == 0 ? &seen.sum.private_clean
                        : strcmp(field, "Shared_Dirty") == 0  ? &seen.sum.shared_dirty
                        : strcmp(field, "Shared_Clean") == 0  ? &seen.sum.shared_clean
                        : strcmp(field, "Swap") == 0          ? &seen.sum.swapped
                        : strcmp(field, "Rss") == 0           ? &seen.resident
                                                              : NULL;
        if (sum != NULL) *sum += kilobytes * 1024;
    }
    fclose(smaps);
    return seen;
}

#endif
