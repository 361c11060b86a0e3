/* The profile that `mallow run --sample` writes. */
#ifndef MALLOW_RUN_SAMPLE_H
#define MALLOW_RUN_SAMPLE_H

#include <sys/types.h>

/* Options of the command line; `rate` is NULL without a number. */
void run_sample_set_rate(const char *rate);
void run_sample_set_file(const char *file);

/* Called once the options are complete. Removes the profiles of an earlier run from FILE and its
 * FILE.PID. Ends the command if FILE is something else. */
void run_sample_prepare(const char *program);

/* Called by the process that executes the program: sets the file for the library. */
void run_sample_name(void);

/* Says where the profile of the process is. */
void run_sample_announce(pid_t process);

#endif
