/* Runs a program in a child process that receives the signals sent to the command. */
#ifndef MALLOW_CHILD_H
#define MALLOW_CHILD_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct child_end {
    pid_t process;
    int status;            /* as wait(2) returns it */
    struct rusage usage;   /* includes the children that it has waited for */
    bool waited_for_child; /* true also if that is unknown */
    char name[64];         /* of the program when it ended; "" if unknown */
};

/* Forks, and calls start(argument) in the child, which executes the program and does not return.
 * Waits for the child to end, and passes signals on to it until then (forward.h). */
struct child_end child_run(void (*start)(const void *argument), const void *argument);

/* Returns the child's exit status. If signal N has killed the child, prints a message and returns
 * 128 + N. */
int child_exit_status(const struct child_end *end);

#endif
