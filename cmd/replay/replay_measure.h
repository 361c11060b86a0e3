/* Runs of mallow-replay and their figures. */
#ifndef MALLOW_REPLAY_MEASURE_H
#define MALLOW_REPLAY_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay/replay_program.h"

enum replay_figure {
    REPLAY_PEAK, /* bytes of anonymous resident memory, without those of a process without events */
    REPLAY_MEAN, /* over the recorded time */
    REPLAY_CALL, /* nanoseconds of a call */
    REPLAY_TOUCH,   /* nanoseconds of the first writes to its block */
    REPLAY_SLOWEST, /* nanoseconds: the 99.99th percentile of calls */
    REPLAY_FAULTS,
    REPLAY_FIGURES
};

struct replay_results {
    double *runs[REPLAY_FIGURES]; /* one figure for each run */
    size_t count;
    double *resident; /* bytes at the end of each epoch, the sum of all runs */
    double files;     /* bytes of files and shared memory: different ones are of libraries */
    uint64_t failed;  /* calls that failed in the replay, of the last run */
};

struct replay_allocator;

/* Returns the path of the file that defines malloc if a library is preloaded, which the caller
 * frees, or NULL: the program does not start. */
char *replay_provider(const char *library);

/* Replays the program once, and adds the figures to the allocator's. Ends the command with a
 * message if that fails. */
void replay_measure(const struct replay_program *program, struct replay_allocator *allocator);

/* The mean of a figure, and half of the interval that contains it with 95 % confidence; 0: there is
 * only one run. */
struct replay_estimate {
    double mean, error;
};
struct replay_estimate replay_estimate(const struct replay_results *results,
                                       enum replay_figure figure);

/* Returns the mean of the runs of resident bytes at the end of the epoch. */
double replay_resident(const struct replay_results *results, size_t epoch);

void replay_results_free(struct replay_results *results);

#endif
