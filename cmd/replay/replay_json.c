/* The JSON of `mallow replay`. */
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "replay/replay_report.h"

static void json_text(const char *name, const char *text) {
    printf(",\"%s\":", name);
    if (text == NULL)
        printf("null");
    else
        json_print_string(text, strlen(text));
}

static void json_figure(const char *name, const struct replay_results *results,
                        enum replay_figure figure) {
    struct replay_estimate estimate = replay_estimate(results, figure);
    printf(",\"%s\":{\"mean\":%.1f,\"error\":%.1f}", name, estimate.mean, estimate.error);
}

static void json_allocator(const struct replay_report *report,
                           const struct replay_allocator *allocator) {
    const struct replay_results *results = &allocator->results;
    printf("{\"name\":");
    json_print_string(allocator->name, strlen(allocator->name));
    json_text("options", allocator->options);
    json_figure("peak_bytes", results, REPLAY_PEAK);
    json_figure("mean_bytes", results, REPLAY_MEAN);
    printf(",\"process_peak_bytes\":%.0f",
           replay_process_peak(&report->comparison, &report->program, results));
    json_figure("call_ns", results, REPLAY_CALL);
    json_figure("first_use_ns", results, REPLAY_TOUCH);
    json_figure("slowest_ns", results, REPLAY_SLOWEST);
    json_figure("page_faults", results, REPLAY_FAULTS);
    printf(",\"failed_calls\":%llu,\"resident\":[", (unsigned long long)results->failed);
    for (uint32_t i = 0; i < report->program.head->epochs; i++)
        printf("%s%.0f", i == 0 ? "" : ",", replay_resident(results, i));
    printf("]}");
}

static void json_check(const struct replay_report *report) {
    const struct replay_comparison *comparison = &report->comparison;
    json_text("check", report->check);
    printf(",\"written_share\":%.3f", (double)report->program.head->written / REPLAY_WRITTEN_ALL);
    printf(",\"is_faithful\":%s", replay_is_faithful(comparison) ? "true" : "false");
    if (comparison->is_known)
        printf(
            ",\"recorded_peak_bytes\":%.0f,\"replayed_peak_bytes\":%.0f,\"peak_error\":%.4f,"
            "\"time_error\":%.4f,\"base_bytes\":%.0f",
            comparison->recorded, comparison->replayed, comparison->peak_error,
            comparison->time_error, comparison->base);
}

static void json_moments(const struct replay_report *report) {
    printf(",\"seconds\":[");
    for (uint32_t i = 0; i < report->program.head->epochs; i++)
        printf("%s%.6f", i == 0 ? "" : ",", (double)report->program.moments[i].time / 1e9);
    printf("],\"recorded\":[");
    for (uint32_t i = 0; i < report->program.head->epochs; i++) {
        double value = replay_recorded(&report->comparison, &report->program.moments[i]);
        if (i != 0) putchar(',');
        if (value < 0)
            printf("null");
        else
            printf("%.0f", value);
    }
    putchar(']');
}

void replay_print_json(const struct replay_report *report) {
    const struct replay_program *program = &report->program;
    printf("{\"process\":%u,\"calls\":%llu,\"threads\":%u,\"live_peak_bytes\":%llu",
           program->process, (unsigned long long)program->calls, program->head->threads,
           (unsigned long long)program->live_peak);
    printf(
        ",\"left_out\":{\"other_events\":%llu,\"unknown_frees\":%llu,\"failed_calls\":%llu,"
        "\"lost_events\":%llu}",
        (unsigned long long)program->other_events, (unsigned long long)program->unknown,
        (unsigned long long)program->failed, (unsigned long long)program->lost);
    json_text("recorded_on", *report->recorded_name != '\0' ? report->recorded_name : NULL);
    json_check(report);
    json_text("verdict", report->verdict);
    json_text("advice", report->advice);
    json_moments(report);
    printf(",\"allocators\":[");
    for (size_t i = 0; i < report->allocators.count; i++) {
        if (i != 0) putchar(',');
        json_allocator(report, &report->allocators.list[i]);
    }
    printf("]}\n");
}
