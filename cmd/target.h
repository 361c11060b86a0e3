/* The process that a subcommand sends requests to. */
#ifndef MALLOW_TARGET_H
#define MALLOW_TARGET_H

#include <sys/types.h>

/* Returns the process that the only operand names. Ends the command with a message if there is no
 * such process. */
pid_t target_process(int argc, char **argv);

/* Ends the command with a message that explains why nothing listens in the process. */
_Noreturn void target_explain_refusal(pid_t process);

#endif
