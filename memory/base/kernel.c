#include "base/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#    define PR_SET_VMA 0x53564d41
#    define PR_SET_VMA_ANON_NAME 0
#endif

size_t kernel_page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

void *kernel_map(size_t bytes, const char *name) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    int error = errno;
    prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p, bytes, name); /* may fail on old kernels */
    errno = error;
    return p;
}

bool kernel_unmap(void *p, size_t bytes) { return munmap(p, bytes) == 0; }

long kernel_read_file(const char *path, char *text, size_t room) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = read(fd, text, room - 1);
    close(fd);
    if (n >= 0) text[n] = '\0';
    return n;
}

long kernel_count_lines(const char *path) {
    char part[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    long lines = 0;
    ssize_t n;
    while ((n = read(fd, part, sizeof part)) > 0)
        for (ssize_t i = 0; i < n; i++) lines += part[i] == '\n';
    close(fd);
    return n < 0 ? -1 : lines;
}

/* Does not call getrlimit, because its first parameter has a special type in glibc. */
bool kernel_limit(int resource, uint64_t *limit) {
    uint64_t soft_and_hard[2];
    if (syscall(SYS_prlimit64, 0, resource, NULL, soft_and_hard) != 0) return false;
    *limit = soft_and_hard[0];
    return true;
}

/* Reads "low-high perms offset device inode   name". *guard is the end of the previous mapping if
 * that was inaccessible. */
static bool kernel_is_wanted(const char *line, const char *name, uintptr_t address,
                             struct kernel_mapping *mapping, uintptr_t *guard) {
    char *at;
    mapping->low = strtoull(line, &at, 16);
    mapping->high = strtoull(at + 1, &at, 16);
    mapping->is_guarded = *guard == mapping->low;
    *guard = strncmp(at, " ---", 4) == 0 ? mapping->high : 0;
    for (int field = 0; field < 4; field++) at += 1 + strcspn(at + 1, " ");
    at += strspn(at, " ");
    if (*name != '\0') return strcmp(at, name) == 0;
    bool is_anonymous = *at == '\0' || strncmp(at, "[anon:", 6) == 0;
    return is_anonymous && address - mapping->low < mapping->high - mapping->low;
}

bool kernel_find_mapping(const char *name, uintptr_t address, struct kernel_mapping *mapping) {
    char text[8192];
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    size_t have = 0;
    uintptr_t guard = 0;
    bool found = false;
    ssize_t n;
    while (!found && (n = read(fd, text + have, sizeof text - 1 - have)) > 0) {
        have += (size_t)n;
        text[have] = '\0';
        char *line = text;
        for (char *end; !found && (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            found = kernel_is_wanted(line, name, address, mapping, &guard);
        }
        have -= (size_t)(line - text);
        memmove(text, line, have);
    }
    close(fd);
    return found;
}

bool kernel_is_mapped(void *p, size_t bytes) {
    unsigned char resident[16];
    return bytes <= sizeof resident * kernel_page() && mincore(p, bytes, resident) == 0;
}

bool kernel_is_first_thread(void) { return syscall(SYS_gettid) == getpid(); }

bool kernel_is_on_signal_stack(void) {
    stack_t stack;
    return sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_ONSTACK) != 0;
}

void kernel_block_signals(sigset_t *before) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

void kernel_restore_signals(const sigset_t *before) { pthread_sigmask(SIG_SETMASK, before, NULL); }
