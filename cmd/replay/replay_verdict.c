/* The sentences of `mallow replay`. */
#include <math.h>
#include <stdlib.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "proc/amount.h"
#include "replay/replay_report.h"

/* A gain of memory or time is worth a change from here on, if the other does not get worse by
 * more. */
#define MEMORY_GAIN 0.05
#define TIME_GAIN 0.2
#define TIME_LOSS_MAX 1.25
#define MEMORY_LOSS_MAX 1.02

static double verdict_time(const struct replay_allocator *allocator) {
    return replay_estimate(&allocator->results, REPLAY_CALL).mean +
           replay_estimate(&allocator->results, REPLAY_TOUCH).mean;
}

static double verdict_time_error(const struct replay_allocator *allocator) {
    return hypot(replay_estimate(&allocator->results, REPLAY_CALL).error,
                 replay_estimate(&allocator->results, REPLAY_TOUCH).error);
}

static double verdict_peak(const struct replay_report *report,
                           const struct replay_allocator *allocator) {
    return replay_process_peak(&report->comparison, &report->program, &allocator->results);
}

/* Returns true if the runs show that `other` has less of the figure than `now`. */
static bool verdict_is_less(const struct replay_allocator *other,
                            const struct replay_allocator *now, enum replay_figure figure) {
    struct replay_estimate one = replay_estimate(&other->results, figure);
    struct replay_estimate two = replay_estimate(&now->results, figure);
    return one.mean + one.error < two.mean - two.error;
}

/* Returns what `other` brings: the share of memory that it saves, or for the same memory a small
 * number that grows with the time that it saves; 0: nothing. */
static double verdict_gain(const struct replay_report *report, const struct replay_allocator *now,
                           const struct replay_allocator *other) {
    double memory = 1 - verdict_peak(report, other) / verdict_peak(report, now);
    double time = verdict_time(other) / verdict_time(now);
    bool is_faster = verdict_time(other) + verdict_time_error(other) <
                     verdict_time(now) - verdict_time_error(now);
    double mean = replay_estimate(&other->results, REPLAY_MEAN).mean /
                  fmax(replay_estimate(&now->results, REPLAY_MEAN).mean, 1);
    if (memory >= MEMORY_GAIN && time <= TIME_LOSS_MAX && mean <= MEMORY_LOSS_MAX &&
        verdict_is_less(other, now, REPLAY_PEAK))
        return memory;
    if (is_faster && time <= 1 - TIME_GAIN && -memory <= MEMORY_LOSS_MAX - 1)
        return MEMORY_GAIN * (1 - time);
    return 0;
}

/* Returns the best change, or NULL. Considers either settings of Mallow or allocators. */
static const struct replay_allocator *verdict_best(const struct replay_report *report,
                                                   const struct replay_allocator *now,
                                                   bool settings) {
    const struct replay_allocator *best = NULL;
    double gain = 0;
    for (size_t i = 0; i < report->allocators.count; i++) {
        const struct replay_allocator *other = &report->allocators.list[i];
        if (other == now || (other->options != NULL) != settings) continue;
        double this_gain = verdict_gain(report, now, other);
        if (this_gain <= gain) continue;
        gain = this_gain;
        best = other;
    }
    return best;
}

static char *verdict_change(const struct replay_report *report, const char *what,
                            const struct replay_allocator *now,
                            const struct replay_allocator *other) {
    double before = verdict_peak(report, now), after = verdict_peak(report, other);
    double saved = (verdict_time(now) - verdict_time(other)) * (double)report->program.calls / 1e6;
    return xasprintf(
        "%s: the peak of the process's resident memory %s from %s to %s (%+.0f %%), and "
        "a call with the first use of its block takes %.0f ns instead of %.0f, which "
        "%s %.0f ms in %.1f s.",
        what, after <= before ? "falls" : "rises", amount_of((unsigned long long)before).text,
        amount_of((unsigned long long)after).text, 100 * (after / before - 1), verdict_time(other),
        verdict_time(now), saved >= 0 ? "saves" : "costs", fabs(saved),
        (double)report->program.duration / 1e9);
}

/* ---- the check ---- */

char *replay_check(const struct replay_report *report) {
    const struct replay_comparison *comparison = &report->comparison;
    if (*report->recorded_name == '\0')
        return xstrdup("The trace does not say on which allocator it was recorded.");
    if (report->recorded == NULL)
        return xasprintf("The trace was recorded on %s, which cannot be loaded.",
                         report->recorded_name);
    if (!comparison->is_known)
        return xstrdup("The trace has no resident memory to compare the replay with.");
    return xasprintf(
        "With the replay on %s instead of the program's allocations, the process would "
        "peak at %s%s, and it was recorded with %s: they differ by %.0f %%, and by %.0f "
        "%% over time. The replay writes %.0f %% of blocks beyond their first page, "
        "which fits best.",
        report->recorded_name, amount_of((unsigned long long)comparison->replayed).text,
        comparison->has_files ? "" : " without files",
        amount_of((unsigned long long)comparison->recorded).text, 100 * comparison->peak_error,
        100 * comparison->time_error, 100.0 * report->program.head->written / REPLAY_WRITTEN_ALL);
}

char *replay_left_out(const struct replay_report *report) {
    const struct replay_program *program = &report->program;
    char *text;
    size_t length;
    FILE *to = xopen_memstream(&text, &length);
    if (program->other_events != 0)
        fprintf(to, " Replayed is process %u; %llu events of other processes are left out.",
                program->process, (unsigned long long)program->other_events);
    if (program->unknown != 0)
        fprintf(to, " %llu frees of blocks that are older than the recording are left out.",
                (unsigned long long)program->unknown);
    if (program->failed != 0)
        fprintf(to, " %llu calls that failed are left out.", (unsigned long long)program->failed);
    if (program->lost != 0 || program->was_paused)
        fprintf(to, " The trace lacks %llu events%s, so that the replay has wrong blocks.",
                (unsigned long long)program->lost,
                program->was_paused ? " and those while it was paused" : "");
    if (report->damage != NULL) fprintf(to, " %s", report->damage);
    xclose_memstream(to);
    if (length != 0) return text;
    free(text);
    return NULL;
}

/* ---- the verdicts ---- */

char *replay_verdict(const struct replay_report *report) {
    const struct replay_allocator *now = report->recorded;
    if (!report->comparison.is_known)
        return xstrdup("No verdict: it is not known how near the replay comes to the program.");
    if (!replay_is_faithful(&report->comparison))
        return xasprintf(
            "No verdict: the replay on %s differs from the recording by more than "
            "%.0f %%.",
            report->recorded_name, 100 * REPLAY_ERROR_MAX);
    const struct replay_allocator *best = verdict_best(report, now, false);
    if (best != NULL) {
        char *what = xasprintf("Switch from %s to %s", now->name, best->name);
        char *text = verdict_change(report, what, now, best);
        free(what);
        return text;
    }
    return xasprintf(
        "Stay with %s: no other allocator takes %.0f %% less memory for at most %.2f "
        "times the time, or %.0f %% less time for the same memory.",
        now->name, 100 * MEMORY_GAIN, TIME_LOSS_MAX, 100 * TIME_GAIN);
}

char *replay_advice(const struct replay_report *report) {
    const struct replay_allocator *now = replay_allocators_find(&report->allocators, "mallow");
    bool tried = false;
    for (size_t i = 0; i < report->allocators.count; i++)
        tried = tried || report->allocators.list[i].options != NULL;
    if (!tried || now == NULL) return NULL;
    if (!replay_is_faithful(&report->comparison))
        return xstrdup("No setting is recommended, for the same reason.");
    const struct replay_allocator *best = verdict_best(report, now, true);
    if (best == NULL)
        return xasprintf(
            "Leave the settings of Mallow as they are: none of those tried saves %.0f "
            "%% of memory or %.0f %% of time.",
            100 * MEMORY_GAIN, 100 * TIME_GAIN);
    char *what = xasprintf("Use MALLOW_OPTIONS=%s", best->options);
    char *text = verdict_change(report, what, now, best);
    free(what);
    return text;
}
