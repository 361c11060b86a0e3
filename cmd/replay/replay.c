/* mallow replay: repeats the allocations of a trace on other allocators. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arguments.h"
#include "common/clock.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "replay/replay_report.h"

static const char replay_help[] =
    "Usage: mallow replay [OPTION...] FILE\n"
    "Repeats the allocations of a trace on several allocators, and says whether another\n"
    "one would take less memory or time. FILE is written by 'mallow run --trace'.\n"
    "\n"
    "Options:\n"
    "  --with=LIST     the allocators: mallow, glibc, jemalloc, mimalloc, tcmalloc, or\n"
    "                  paths of libraries, with commas between them; default: all five\n"
    "  --options=LIST  also try Mallow with each of these settings: KEY=VALUE,... with\n"
    "                  semicolons between sets, or 'auto'\n"
    "  --runs=N        replay N times on each allocator (3)\n"
    "  --pace=recorded|fast\n"
    "                  replay as slowly as the program ran, so that allocators that return\n"
    "                  memory after a time do (the default), or as fast as possible\n"
    "  --process=N     replay the Nth process of the trace; default: that with the most\n"
    "                  events\n"
    "  -o, --output=FILE\n"
    "                  write a page for a web browser with charts to FILE\n"
    "  --json          print the figures as JSON\n"
    "  --help          print this text\n"
    "  --version       print the version\n"
    "\n"
    "The exit status is 0, or 125 if the trace cannot be replayed.\n";

enum { OPTION_WITH = OPTION_OWN, OPTION_OPTIONS, OPTION_RUNS, OPTION_PACE, OPTION_PROCESS };

#define RUNS_DEFAULT 3
#define RUNS_MAX 100
#define NOTICE_SECONDS 60

struct replay_request {
    const char *file, *with, *options, *output;
    unsigned long runs, process;
    enum replay_pace pace;
    bool json;
};

static unsigned long replay_number(const char *option, unsigned long max) {
    unsigned long number = number_value(option, optarg);
    if (number == 0 || number > max)
        usage_error("%s='%s' is not a number from 1 to %lu", option, optarg, max);
    return number;
}

static struct replay_request replay_parse(int argc, char **argv) {
    static const struct option options[] = {
        {"with", required_argument, NULL, OPTION_WITH},
        {"options", required_argument, NULL, OPTION_OPTIONS},
        {"runs", required_argument, NULL, OPTION_RUNS},
        {"pace", required_argument, NULL, OPTION_PACE},
        {"process", required_argument, NULL, OPTION_PROCESS},
        {"output", required_argument, NULL, 'o'},
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    static const char *const paces[] = {[REPLAY_FAST] = "fast", [REPLAY_RECORDED] = "recorded"};
    struct replay_request request = {.runs = RUNS_DEFAULT, .pace = REPLAY_RECORDED};
    int option;
    while ((option = next_output_option(argc, argv, options, replay_help)) != -1) {
        switch (option) {
        case OPTION_WITH:
            request.with = optarg;
            break;
        case OPTION_OPTIONS:
            request.options = optarg;
            break;
        case OPTION_RUNS:
            request.runs = replay_number("--runs", RUNS_MAX);
            break;
        case OPTION_PACE:
            request.pace = (enum replay_pace)choice_value("--pace", optarg, paces, 2);
            break;
        case OPTION_PROCESS:
            request.process = replay_number("--process", UINT32_MAX);
            break;
        case 'o':
            request.output = optarg;
            break;
        case OPTION_JSON:
            request.json = true;
            break;
        }
    }
    request.file = operands(argc, argv, 1, 1, "trace")[0];
    return request;
}

/* Runs of different allocators alternate, so that whatever else the machine does affects all of
 * them. Each round begins with another one. */
static void replay_run_all(const struct replay_program *program,
                           const struct replay_allocators *allocators, unsigned long runs) {
    double seconds = program->head->pace == REPLAY_RECORDED
                         ? (double)program->duration / 1e9 * (double)(runs * allocators->count)
                         : 0;
    if (seconds > NOTICE_SECONDS)
        warnx("this takes at least %.0f seconds; it is faster with --pace=fast or fewer --runs",
              seconds);
    for (unsigned long run = 0; run < runs; run++)
        for (size_t i = 0; i < allocators->count; i++)
            replay_measure(program, &allocators->list[(i + run) % allocators->count]);
}

/* Finds out how much of large blocks the program writes, on the allocator that was recorded. */
static void replay_fit(struct replay_report *report) {
    struct replay_head *head = report->program.head;
    struct replay_allocator none = *report->recorded, all = none;
    head->written = 0;
    replay_measure(&report->program, &none);
    head->written = REPLAY_WRITTEN_ALL;
    replay_measure(&report->program, &all);
    head->written = replay_fit_written(&report->program, &none.results, &all.results);
    replay_results_free(&none.results);
    replay_results_free(&all.results);
}

static struct mallow_trace *replay_open(const char *file) {
    struct mallow_trace *trace = mallow_trace_open(file, 0);
    const char *error = mallow_trace_error(trace);
    if (error != NULL) errx(EXIT_OWN_FAILURE, "%s", error);
    return trace;
}

int replay_command(int argc, char **argv) {
    struct replay_request request = replay_parse(argc, argv);
    struct replay_report report = {.file = request.file};
    struct mallow_trace *trace = replay_open(request.file);
    replay_program_read(&report.program, trace, (uint32_t)request.process);
    report.program.head->pace = request.pace;
    report.recorded_name = xstrdup(mallow_trace_get_facts(trace)->allocator);
    const char *damage = mallow_trace_damage(trace);
    if (damage != NULL) report.damage = xstrdup(damage);
    mallow_trace_close(trace);

    replay_allocators_add(&report.allocators, request.with);
    if (request.options != NULL) replay_allocators_add_options(&report.allocators, request.options);
    report.recorded = replay_allocators_recorded(&report.allocators, report.recorded_name);
    if (report.recorded != NULL) replay_fit(&report);
    replay_run_all(&report.program, &report.allocators, request.runs);
    return replay_report(&report, request.output, request.json);
}
