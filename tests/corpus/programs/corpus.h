/*
 * Each program here has one bug, and a twin without it. README.md in the parent folder explains the
 * first line and the marks in the comments.
 */
#ifndef CORPUS_H
#define CORPUS_H

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "twin.h"

/* The exit status of a faulty program that reads memory which it must not read. */
enum { SAW_NOTHING = 3, SAW_OLD_DATA = 4 };
#define SECRET "the secret of its last owner"

/* A pointer whose history the compiler does not know. */
#ifdef __cplusplus
template <typename pointer> static inline pointer HIDDEN(pointer p) {
    __asm__ volatile("" : "+r"(p));
    return p;
}
#else
#    define HIDDEN(p)                              \
        ({                                         \
            __typeof__(p) hidden_p = (p);          \
            __asm__ volatile("" : "+r"(hidden_p)); \
            hidden_p;                              \
        })
#endif

/* Overwrites the stack below the caller, and registers, so that no pointer to a lost block is left
 * there. */
__attribute__((noinline, unused)) static void forget(void) {
    volatile char stack[16384];
    for (size_t i = 0; i < sizeof stack; i++) stack[i] = 0;
    __asm__ volatile("" ::: "memory", "rbx", "r12", "r13", "r14", "r15");
}

/* Waits for the child. If a signal killed it, this process dies by the same signal; otherwise
 * returns the child's exit status. */
static inline int end_of(pid_t child) {
    int status = 0;
    if (waitpid(child, &status, 0) != child) return 1;
    if (WIFSIGNALED(status)) kill(getpid(), WTERMSIG(status));
    return WEXITSTATUS(status);
}

#endif
