#include "replay/replay_report.h"

#include <err.h>
#include <stdlib.h>

#include "common/command.h"

/* The number of runs of a part is enough: a part without an epoch has the value of the epoch
 * before. */
double replay_part(const struct replay_report *report, const struct replay_allocator *allocator,
                   unsigned part, unsigned parts) {
    const struct replay_program *program = &report->program;
    double value = -1, end = (double)program->duration * (part + 1) / parts;
    double begin = (double)program->duration * part / parts;
    for (uint32_t i = 0; i < program->head->epochs; i++) {
        const struct replay_moment *moment = &program->moments[i];
        double time = (double)moment->time;
        if (time > end) break;
        double now = allocator != NULL ? replay_resident(&allocator->results, i)
                                       : replay_recorded(&report->comparison, moment);
        if (now >= 0 && (time < begin || now > value || value < 0)) value = now;
    }
    return value;
}

static void replay_report_free(struct replay_report *report) {
    replay_comparison_free(&report->comparison);
    replay_allocators_free(&report->allocators);
    replay_program_free(&report->program);
    free(report->damage);
    free(report->recorded_name);
    free(report->check);
    free(report->left);
    free(report->verdict);
    free(report->advice);
}

int replay_report(struct replay_report *report, const char *page, bool json) {
    replay_compare(&report->comparison, &report->program,
                   report->recorded != NULL ? &report->recorded->results : NULL);
    report->check = replay_check(report);
    report->left = replay_left_out(report);
    report->verdict = replay_verdict(report);
    report->advice = replay_advice(report);
    if (page != NULL) replay_write_page(report, page);
    if (json)
        replay_print_json(report);
    else
        replay_print(report);
    replay_report_free(report);
    if (fflush(stdout) != 0) err(EXIT_OWN_FAILURE, "cannot write the output");
    return 0;
}
