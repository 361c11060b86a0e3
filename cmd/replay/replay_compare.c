/*
 * Resident memory of a process has several parts, and the replay only knows that of the allocator:
 *
 *     resident = files and shared memory     recorded apart
 *              + code, data, first stack     as in the first sample, less the allocator's part then
 *              + stacks of other threads     STACK_BYTES each
 *              + mappings of the program     what it has mapped and can write; not which pages it
 * has
 *              + the allocator's memory      measured by the replay
 */
#include "replay/replay_compare.h"

#include <math.h>
#include <stdlib.h>

#include "common/xalloc.h"

/* A thread of a typical program touches so many bytes of its stack and thread-local data. */
#define STACK_BYTES 12288

/* Returns the part of the sample that is the allocator's or belongs to the base. */
static double compare_sampled(const struct replay_moment *moment) {
    uint64_t bytes = moment->anonymous != 0 ? moment->anonymous : moment->resident;
    double threads = moment->threads > 1 ? moment->threads - 1 : 0;
    return (double)bytes - (double)moment->mapped - threads * STACK_BYTES;
}

static void compare_base(struct replay_comparison *comparison, const struct replay_program *program,
                         const struct replay_results *results) {
    for (uint32_t i = 0; i < program->head->epochs; i++) {
        const struct replay_moment *moment = &program->moments[i];
        if (moment->resident == 0) continue;
        double base = compare_sampled(moment) - replay_resident(results, i);
        comparison->base = base > 0 ? base : 0;
        comparison->has_files = moment->anonymous == 0;
        comparison->is_known = true;
        return;
    }
}

double replay_recorded(const struct replay_comparison *comparison,
                       const struct replay_moment *moment) {
    if (!comparison->is_known || moment->resident == 0) return -1;
    return fmax(compare_sampled(moment) - comparison->base, 0);
}

/* The differences are those of the allocator's parts, because the other parts are the same. */
static void compare_errors(struct replay_comparison *comparison,
                           const struct replay_program *program,
                           const struct replay_results *results) {
    double distance = 0, sum = 0;
    for (uint32_t i = 0; i < program->head->epochs; i++) {
        const struct replay_moment *moment = &program->moments[i];
        if (moment->resident == 0) continue;
        double recorded = (double)(moment->anonymous != 0 ? moment->anonymous : moment->resident);
        double replayed =
            recorded - (compare_sampled(moment) - comparison->base) + replay_resident(results, i);
        comparison->recorded = fmax(comparison->recorded, recorded);
        comparison->replayed = fmax(comparison->replayed, replayed);
        distance += fabs(recorded - replayed);
        sum += recorded;
    }
    comparison->time_error = sum == 0 ? 0 : distance / sum;
    comparison->peak_error =
        comparison->recorded == 0
            ? 0
            : fabs(comparison->replayed - comparison->recorded) / comparison->recorded;
}

/* Least squares: the share times the memory that writing adds is what writing nothing lacks. */
uint32_t replay_fit_written(const struct replay_program *program, const struct replay_results *none,
                            const struct replay_results *all) {
    struct replay_comparison comparison = {0};
    double product = 0, square = 0;
    compare_base(&comparison, program, none);
    for (uint32_t i = 0; i < program->head->epochs; i++) {
        double recorded = replay_recorded(&comparison, &program->moments[i]);
        if (recorded < 0) continue;
        double added = replay_resident(all, i) - replay_resident(none, i);
        product += added * (recorded - replay_resident(none, i));
        square += added * added;
    }
    double share = square == 0 ? 1 : fmin(fmax(product / square, 0), 1);
    return (uint32_t)(share * REPLAY_WRITTEN_ALL);
}

static void compare_rest(struct replay_comparison *comparison,
                         const struct replay_program *program) {
    double files = 0;
    comparison->rest = xcalloc(program->head->epochs, sizeof *comparison->rest);
    for (uint32_t i = 0; i < program->head->epochs; i++) {
        const struct replay_moment *moment = &program->moments[i];
        double threads = moment->threads > 1 ? moment->threads - 1 : 0;
        if (moment->anonymous != 0) files = (double)(moment->resident - moment->anonymous);
        comparison->rest[i] =
            files + comparison->base + (double)moment->mapped + threads * STACK_BYTES;
    }
}

void replay_compare(struct replay_comparison *comparison, const struct replay_program *program,
                    const struct replay_results *results) {
    *comparison = (struct replay_comparison){0};
    if (results != NULL) comparison->files = results->files;
    if (results != NULL) compare_base(comparison, program, results);
    if (comparison->is_known) compare_errors(comparison, program, results);
    compare_rest(comparison, program);
}

bool replay_is_faithful(const struct replay_comparison *comparison) {
    return comparison->is_known && comparison->peak_error <= REPLAY_ERROR_MAX &&
           comparison->time_error <= REPLAY_ERROR_MAX;
}

double replay_process_peak(const struct replay_comparison *comparison,
                           const struct replay_program *program,
                           const struct replay_results *results) {
    /* Some allocators bring libstdc++, which a program in C++ has anyway. */
    bool has_other_files = comparison->is_known && !program->is_cxx;
    double peak = 0, files = has_other_files ? results->files - comparison->files : 0;
    for (uint32_t i = 0; i < program->head->epochs; i++)
        peak = fmax(peak, comparison->rest[i] + files + replay_resident(results, i));
    return peak;
}

void replay_comparison_free(struct replay_comparison *comparison) { free(comparison->rest); }
