/* Reads what the kernel reports about locked memory, and runs tests in children that have other
 * limits. */
#ifndef LOCKED_H
#define LOCKED_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sanitized.h"

#ifdef SANITIZED
#    define HAS_SHADOW 1 /* a lock of everything includes terabytes, and smaps is slow */
#else
#    define HAS_SHADOW 0
#endif

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

/* Returns VmLck of this process in bytes. */
static inline uint64_t locked_bytes(void) {
    char line[256];
    unsigned long long kib = UINT64_MAX;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmLck: %llu", &kib) == 1) break;
    if (status == NULL || kib == UINT64_MAX) abort();
    fclose(status);
    return kib * 1024;
}

/* Stores in flags[i] if the i-th page from p on has the flag, such as "lo", in smaps. */
static inline void pages_with_flag(const char *p, size_t pages, const char *flag, bool *flags) {
    char line[1024], spaced[8];
    unsigned long low = 0, high = 0, l, h;
    snprintf(spaced, sizeof spaced, " %s", flag);
    memset(flags, 0, pages * sizeof *flags);
    FILE *smaps = fopen("/proc/self/smaps", "r");
    if (smaps == NULL) abort();
    while (fgets(line, sizeof line, smaps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &l, &h) == 2) low = l, high = h;
        if (strncmp(line, "VmFlags:", 8) != 0 || strstr(line, spaced) == NULL) continue;
        for (size_t i = 0; i < pages; i++) {
            unsigned long page = (unsigned long)p + i * PAGE;
            if (page >= low && page < high) flags[i] = true;
        }
    }
    fclose(smaps);
}

static inline bool page_has_flag(const char *p, const char *flag) {
    bool has;
    pages_with_flag(p, 1, flag, &has);
    return has;
}

static inline bool is_locked(const char *p) { return page_has_flag(p, "lo"); }

static inline char *map_pages(size_t pages) {
    char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) abort();
    return p;
}

/* Takes CAP_IPC_LOCK from this process and lets it lock `bytes` bytes. */
static inline void limit_locks(size_t bytes) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, sets) != 0) abort();
    sets[0].effective &= ~(1U << CAP_IPC_LOCK);
    sets[0].permitted &= ~(1U << CAP_IPC_LOCK);
    if (syscall(SYS_capset, &header, sets) != 0) abort();
    struct rlimit limit = {bytes, bytes};
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) abort();
}

/* Runs the function in a child, and returns true if all its assertions hold. */
static inline bool holds_in_child(void (*test)(void)) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(300);
        test();
        _exit(EXIT_SUCCESS);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status == 0;
}

/* Fails the child. cmocka's assertions would continue with the parent's tests. */
#define HOLDS(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            _exit(EXIT_FAILURE);                                                    \
        }                                                                           \
    } while (0)

#endif
