/* Filters of system calls, for tests in which the kernel refuses some of them. */
#ifndef SECCOMP_H
#define SECCOMP_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>

#define FILTER_LOAD(member) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define FILTER_RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))

/* Skips that many instructions unless the loaded word is equal to the number. */
#define FILTER_SKIP_UNLESS(number, skipped) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, (skipped))

/* Returns false if the kernel does not support filters. */
static inline bool install_filter(struct sock_filter *filter, size_t length) {
    struct sock_fprog program = {(unsigned short)length, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Gives the system call the effect of `action` (SECCOMP_RET_...) from now on, and allows all
 * others. */
static inline bool filter_call(unsigned call, unsigned action) {
    struct sock_filter filter[] = {FILTER_LOAD(nr), FILTER_SKIP_UNLESS(call, 1),
                                   FILTER_RETURN(action), FILTER_RETURN(SECCOMP_RET_ALLOW)};
    return install_filter(filter, sizeof filter / sizeof *filter);
}

#endif
