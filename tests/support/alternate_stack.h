/*
 * An alternate signal stack with room for the kernel's frame and little more. A handler that uses
 * more hits an inaccessible page. The test must call the handler's functions once before the
 * signal: when the loader binds a function at its first call, it saves every register on the same
 * stack.
 */
#ifndef ALTERNATE_STACK_H
#define ALTERNATE_STACK_H

#include "check.h"

#include <signal.h>
#include <sys/mman.h>

static inline void handle_on_small_stack(int signal_number, void (*handler)(int), size_t room) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (size_t)sysconf(_SC_MINSIGSTKSZ) + room;
    size_t mapped = page + (size + page - 1) / page * page;
    char *memory = (char *)mmap(NULL, mapped, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    CHECK(memory != MAP_FAILED);
    CHECK_EQUAL(mprotect(memory, page, PROT_NONE), 0);

    stack_t stack = {0};
    stack.ss_sp = memory + page;
    stack.ss_size = size;
    CHECK_EQUAL(sigaltstack(&stack, NULL), 0);
    struct sigaction action = {0};
    action.sa_handler = handler;
    action.sa_flags = SA_ONSTACK;
    CHECK_EQUAL(sigaction(signal_number, &action, NULL), 0);
}

#endif
