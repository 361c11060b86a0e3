/* The process that a subcommand is about. */
#ifndef MALLOW_TARGET_H
#define MALLOW_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

/* Returns the process that the only operand names. Ends the command with a message if there is no
 * such process. */
pid_t target_any_process(int argc, char **argv);

/* Does the same, and also ends the command if the process is stopped or has ended, and so cannot
 * answer. */
pid_t target_process(int argc, char **argv);

/* Does the same for an operand of several. */
pid_t target_named(const char *operand);

/* True if the process is still the one that the functions above returned, and not another one that
 * has its ID now. */
bool target_is_same(pid_t process);

/* Ends the command with a message if the process has ended, or another one has its ID now. */
void target_require_same(pid_t process);

/* Return reasons for a missing answer as sentences, which the caller frees: the process has ended,
 * or another one has its ID now; it is stopped or has ended; nothing listens in it. The first two
 * return NULL if that is not so. */
char *target_change(pid_t process);
char *target_standstill(pid_t process);
char *target_refusal(pid_t process);

#endif
