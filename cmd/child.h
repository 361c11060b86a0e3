/* A child process that the command stands in for. */
#ifndef MALLOW_CHILD_H
#define MALLOW_CHILD_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct child_end {
    pid_t process;
    int status;            /* as wait(2) returns it */
    struct rusage usage;   /* with that of the children that it has waited for */
    bool waited_for_child; /* for a child; true if that is not known */
    char name[64];         /* of the program that ended, "" if it is not known */
};

/* Forks; in the child calls start(argument), which executes the program and does not return.
 * Waits for the child's end, and meanwhile passes signals on to it (forward.h). */
struct child_end child_run(void (*start)(const void *argument), const void *argument);

/* Returns the child's exit status, or 128 + N with a message when signal N killed it. */
int child_exit_status(const struct child_end *end);

#endif
