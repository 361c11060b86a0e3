/*
 * The leak check: which live blocks no pointer leads to any more.
 *
 * All other threads are stopped for as long as a copy of the process takes to make, and go on; the
 * copy, which stands still, looks for pointers and writes what it finds (docs/checks.md, Leaks).
 * Nothing of the program's runs meanwhile, and nothing of it is traced.
 */
#ifndef MALLOW_LEAK_H
#define MALLOW_LEAK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct leak_request {
    bool reachable_too;      /* list what is still reachable */
    bool only_if_lost;       /* else say nothing */
    size_t limit;            /* of groups of each class but LEAK_DEFINITE */
    struct text *text;       /* where to */
    void (*begin)(void *to); /* before anything is said */
    void (*fail)(void *to, const char *why);
    void *to;
};

enum leak_verdict { LEAK_NONE, LEAK_LOST, LEAK_FAILED };

/* Checks, from any thread but one that holds a lock of ours. Takes a few seconds for each GiB. */
enum leak_verdict leak_check(const struct leak_request *request);

/* With leak=exit: the end of the process is one more check, after the program's own handlers. */
void leak_start(void);

/* In the child of a fork: no check is under way. */
void leak_after_fork(void);

#endif
