/* The process that a subcommand asks: which one it is, and why it does not answer. */
#ifndef MALLOW_TARGET_H
#define MALLOW_TARGET_H

#include <sys/types.h>

/* The process that the only operand names. Ends the command with a message when there is none. */
pid_t target_process(int argc, char **argv);

/* Ends the command with the reason why nothing listens in the process. */
_Noreturn void target_explain_refusal(pid_t process);

#endif
