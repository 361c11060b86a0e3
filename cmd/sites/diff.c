/* mallow diff: prints which functions hold more or less memory than before. */
#include "sites/diff.h"

#include <err.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/arguments.h"
#include "common/command.h"
#include "control/target.h"
#include "proc/symbol_root.h"
#include "profiles/profile.h"

#define DIFF_TOP_DEFAULT 20

static const char diff_help[] =
    "Usage: mallow diff [OPTION...] FILE FILE\n"
    "   or: mallow diff [OPTION...] [--from=SECONDS] [--to=SECONDS] FILE\n"
    "   or: mallow diff [OPTION...] --seconds=N PID\n"
    "Prints which functions hold more or less memory than before: in the second of two\n"
    "profiles, at the second of two moments of one, or in a running process after N\n"
    "seconds.\n"
    "\n"
    "Options:\n"
    "  --from=SECONDS  the first moment, after the start; default: the first snapshot\n"
    "  --to=SECONDS    the second moment; default: the last snapshot\n"
    "  --seconds=N     the time between two looks at a process; default: 10\n"
    "  --by=KIND       sum up by function, stack, file, module, process or thread;\n"
    "                  default: function\n"
    "  --top=N         print at most N lines; 0: all; default: 20\n"
    "  --stacks        print the stack that accounts for most of each line, too\n"
    "  --sysroot=DIR   look for the program's files in DIR first\n"
    "  --json          print the figures as JSON\n"
    "  --help          print this text\n"
    "  --version       print the version\n"
    "\n"
    "The exit status is 0, 2 if FILE cannot be read or is not a profile, or 125 if the\n"
    "process does not answer.\n";

/* ---- moments ---- */

/* Returns the state of a section at a moment of its profile. A section that began later has none.
 */
static const struct profile_snapshot *diff_snapshot(const struct profile_section *section,
                                                    const struct diff_moment *moment) {
    return profile_snapshot_at(section, moment->time);
}

/* Adds the variances of the differences. Processes that only one of the moments has count in full.
 */
static void diff_add_variances(struct site_groups *groups, const struct diff_moment *before,
                               const struct diff_moment *after) {
    for (size_t i = 0; i < after->profile->count; i++) {
        const struct profile_section *later = after->profile->sections[i];
        const struct profile_section *section = profile_find_same(before->profile, later);
        site_groups_add_variance(groups, section,
                                 section == NULL ? NULL : diff_snapshot(section, before), later,
                                 diff_snapshot(later, after));
    }
    for (size_t i = 0; i < before->profile->count; i++) {
        const struct profile_section *only = before->profile->sections[i];
        if (profile_find_same(after->profile, only) == NULL)
            site_groups_add_variance(groups, NULL, NULL, only, diff_snapshot(only, before));
    }
}

/* Only live samples have threads, so it is not known which of them are the same. */
static void diff_add_thread_variances(struct site_groups *groups) {
    for (size_t i = 0; i < groups->count; i++)
        groups->list[i].variance =
            groups->list[i].figures[0].live.variance + groups->list[i].figures[1].live.variance;
}

/* ---- order ---- */

double diff_change(const struct site_group *group) {
    return group->figures[1].live.bytes - group->figures[0].live.bytes;
}

bool diff_is_significant(const struct site_group *group) {
    return fabs(diff_change(group)) > site_error(group->variance);
}

/* Significant changes come first, and of those the largest one. */
static int diff_compare(const void *a, const void *b) {
    const struct site_group *left = a, *right = b;
    if (diff_is_significant(left) != diff_is_significant(right))
        return diff_is_significant(left) ? -1 : 1;
    double left_change = fabs(diff_change(left)), right_change = fabs(diff_change(right));
    if (left_change != right_change) return left_change < right_change ? 1 : -1;
    return left->key < right->key ? -1 : left->key > right->key;
}

static int diff_report(const struct diff_settings *settings, struct diff_moment *before,
                       struct diff_moment *after) {
    struct stacks *stacks = stacks_open();
    struct site_groups *groups = site_groups_open(stacks, settings->by);
    stacks_add(stacks, before->profile);
    if (after->profile != before->profile) stacks_add(stacks, after->profile);
    const struct diff_moment *const moments[] = {before, after};
    for (int which = 0; which < 2; which++)
        for (size_t i = 0; i < moments[which]->profile->count; i++) {
            const struct profile_section *section = moments[which]->profile->sections[i];
            site_groups_add(groups, section, diff_snapshot(section, moments[which]), which);
        }
    if (settings->by == BY_THREAD)
        diff_add_thread_variances(groups);
    else
        diff_add_variances(groups, before, after);
    if (groups->count > 0) qsort(groups->list, groups->count, sizeof *groups->list, diff_compare);
    (settings->json ? diff_print_json : diff_print)(settings, before, after, groups);
    return print_text("");
}

/* ---- what is compared ---- */

/* Returns the moment that many seconds after the start of the profile. */
static uint64_t diff_time(const struct profile *profile, double seconds) {
    return profile_first_moment(profile) + (uint64_t)(seconds * 1e9);
}

/* Returns the time of the first snapshot of all. */
static uint64_t diff_first_snapshot(const struct profile *profile) {
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_section *section = profile->sections[i];
        if (section->snapshot_count == 0) continue;
        uint64_t time = profile_moment(section, &section->snapshots[0]);
        if (time < first) first = time;
    }
    return first;
}

static int diff_one_file(const struct diff_settings *settings, const char *path) {
    struct profile *profile = profile_read(path);
    struct diff_moment before = {profile, diff_first_snapshot(profile)};
    struct diff_moment after = {profile, profile_last_moment(profile)};
    if (after.time == 0) errx(EXIT_BAD_PROFILE, "%s has no complete snapshot", path);
    if (settings->from >= 0) before.time = diff_time(profile, settings->from);
    if (settings->to >= 0) after.time = diff_time(profile, settings->to);
    if (before.time > after.time) before.time = after.time;
    return diff_report(settings, &before, &after);
}

static int diff_two_files(const struct diff_settings *settings, char **paths) {
    struct diff_moment moments[2];
    for (int i = 0; i < 2; i++) {
        moments[i].profile = profile_read(paths[i]);
        moments[i].time = UINT64_MAX;
    }
    return diff_report(settings, &moments[0], &moments[1]);
}

static int diff_process(const struct diff_settings *settings, pid_t process) {
    struct diff_moment before = {profile_request(process), UINT64_MAX};
    struct timespec pause = {.tv_sec = (time_t)settings->seconds};
    while (nanosleep(&pause, &pause) != 0 && errno == EINTR) continue;
    struct diff_moment after = {profile_request(process), UINT64_MAX};
    if (profile_find_same(after.profile, before.profile->sections[0]) == NULL)
        errx(EXIT_OWN_FAILURE, "process %d has executed another program meanwhile", (int)process);
    return diff_report(settings, &before, &after);
}

/* ---- arguments ---- */

static double diff_seconds_value(const char *option, const char *value) {
    char *end;
    double seconds = strtod(value, &end);
    if (end == value || *end != '\0' || !(seconds >= 0 && seconds < 1e9))
        usage_error("%s='%s' is not a number of seconds", option, value);
    return seconds;
}

static int diff_operands(const struct diff_settings *settings, int argc, char **argv) {
    char **names = operands(argc, argv, 1, 2, "FILE");
    bool has_moments = settings->from >= 0 || settings->to >= 0;
    if (names[1] != NULL) {
        if (has_moments || settings->is_timed)
            usage_error("two profiles have no --from, --to or --seconds");
        return diff_two_files(settings, names);
    }
    if (profile_operand_is_process(names[0])) {
        if (has_moments) usage_error("a process has no --from or --to");
        return diff_process(settings, target_process(argc, argv));
    }
    if (settings->is_timed) usage_error("--seconds is for a process");
    if (settings->to >= 0 && settings->from > settings->to)
        usage_error("the second moment is before the first one");
    return diff_one_file(settings, names[0]);
}

enum { OPTION_FROM = OPTION_OWN, OPTION_TO, OPTION_SECONDS, OPTION_BY, OPTION_TOP, OPTION_STACKS };

static void diff_set_option(struct diff_settings *settings, int option) {
    switch (option) {
    case OPTION_FROM:
        settings->from = diff_seconds_value("--from", optarg);
        break;
    case OPTION_TO:
        settings->to = diff_seconds_value("--to", optarg);
        break;
    case OPTION_SECONDS:
        settings->is_timed = true;
        settings->seconds = number_value("--seconds", optarg);
        break;
    case OPTION_BY:
        settings->by = (enum site_by)choice_value("--by", optarg, site_by_names, BY_COUNT);
        break;
    case OPTION_TOP:
        settings->top = number_value("--top", optarg);
        break;
    case OPTION_STACKS:
        settings->stacks = true;
        break;
    case OPTION_SYSROOT:
        symbol_root_set(optarg);
        break;
    case OPTION_JSON:
        settings->json = true;
        break;
    }
}

int diff_command(int argc, char **argv) {
    static const struct option options[] = {
        {"from", required_argument, NULL, OPTION_FROM},
        {"to", required_argument, NULL, OPTION_TO},
        {"seconds", required_argument, NULL, OPTION_SECONDS},
        {"by", required_argument, NULL, OPTION_BY},
        {"top", required_argument, NULL, OPTION_TOP},
        {"stacks", no_argument, NULL, OPTION_STACKS},
        {"sysroot", required_argument, NULL, OPTION_SYSROOT},
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    struct diff_settings settings = {.top = DIFF_TOP_DEFAULT, .from = -1, .to = -1, .seconds = 10};
    int option;
    while ((option = next_option(argc, argv, options, diff_help)) != -1)
        diff_set_option(&settings, option);
    return diff_operands(&settings, argc, argv);
}
