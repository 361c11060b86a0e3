/* `mallow run --trace`. */
#ifndef MALLOW_RUN_TRACE_H
#define MALLOW_RUN_TRACE_H

#include <stdbool.h>

/* Options of the command line; `frames` is NULL without a number. */
void run_trace_set_file(const char *file);
void run_trace_set_stacks(const char *frames);
void run_trace_set_full(const char *what);
void run_trace_set_allocator(const char *allocator);

/* Returns true if --trace was given. */
bool run_trace_is_on(void);

/* Returns true if the program is to run on another allocator than Mallow. */
bool run_trace_is_of_other(void);

/* Adds the libraries, except Mallow, to those that are preloaded. Mallow's comes first. */
void run_trace_preload(void);

/* Called once the options are complete: creates the file and starts to read. `program` is the path
 * of the program. */
void run_trace_start(const char *program);

/* Completes the file, and says where it is. */
void run_trace_end(int status);

#endif
