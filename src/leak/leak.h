/*
 * The leak check, which finds the live blocks that no pointer leads to any more.
 *
 * All other threads are stopped while a copy of the process is made, and then continue. The copy,
 * in which no code of the program runs, searches for pointers and writes the result
 * (docs/checks.md, Leaks). The program is not traced.
 */
#ifndef MALLOW_LEAK_H
#define MALLOW_LEAK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct leak_request {
    bool reachable_too;      /* also list the blocks that are still reachable */
    bool only_if_lost;       /* write nothing if no block is definitely lost */
    size_t limit;            /* groups to list of each class except LEAK_DEFINITE */
    struct text *text;       /* receives the result */
    void (*begin)(void *to); /* called before anything is written to `text` */
    void (*fail)(void *to, const char *why);
    void *to; /* argument of `begin` and `fail` */
};

enum leak_verdict { LEAK_NONE, LEAK_LOST, LEAK_FAILED };

/* Runs a check, which takes a few seconds for each GiB. Callable from any thread that holds none of
 * the library's locks. Checks of several threads run one after another. */
enum leak_verdict leak_check(const struct leak_request *request);

/* With leak=exit: arranges a check at the end of the process, after the program's own handlers. */
void leak_start(void);

/* In the child of a fork: resets the state, because no check is running there. */
void leak_after_fork(void);

#endif
