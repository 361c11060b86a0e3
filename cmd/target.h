/* The process that a subcommand asks: which one it is, and why it does not answer. */
#ifndef MALLOW_TARGET_H
#define MALLOW_TARGET_H

#include <sys/types.h>

/* Ends the command with the reason why nothing listens in the process. */
_Noreturn void explain_refusal(pid_t process);

#endif
