/* Compares a replay with what was recorded of the process. */
#ifndef MALLOW_REPLAY_COMPARE_H
#define MALLOW_REPLAY_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/replay_measure.h"
#include "replay/replay_program.h"

/* Memory in the trace that does not belong to the allocator, and the distance between the rest and
 * a replay on the recorded allocator. */
struct replay_comparison {
    bool is_known;   /* the trace has resident memory, and the allocator could be loaded */
    bool has_files;  /* the trace does not say which resident memory is of files */
    double base;     /* bytes of code, data and stacks in the first sample */
    double recorded; /* the peak of the process's memory in the trace, without files if they are
                      * known, and the one with the replay's memory instead of the allocator's */
    double replayed;
    double peak_error; /* shares: of the peak, and the mean distance over time */
    double time_error;
    double files; /* resident bytes of files in the replay on the recorded allocator */
    double *rest; /* the memory that is not the allocator's, for each epoch; 0 if unknown */
};

/* The largest error with which there is a verdict. */
#define REPLAY_ERROR_MAX 0.1

/* Returns which share of a block beyond its first page the program seems to write, of
 * REPLAY_WRITTEN_ALL: the one with which a replay fits the recording best. The trace does not say
 * it. `none` and `all` are results on the recorded allocator of runs that write nothing and all of
 * it. */
uint32_t replay_fit_written(const struct replay_program *program, const struct replay_results *none,
                            const struct replay_results *all);

/* `results` are those on the recorded allocator, or NULL. */
void replay_compare(struct replay_comparison *comparison, const struct replay_program *program,
                    const struct replay_results *results);

/* Returns the allocator's part of a sample in the trace, or a negative number: it is unknown. */
double replay_recorded(const struct replay_comparison *comparison,
                       const struct replay_moment *moment);

bool replay_is_faithful(const struct replay_comparison *comparison);

/* Returns the peak of the whole process's resident memory on an allocator, in bytes. */
double replay_process_peak(const struct replay_comparison *comparison,
                           const struct replay_program *program,
                           const struct replay_results *results);

void replay_comparison_free(struct replay_comparison *comparison);

#endif
