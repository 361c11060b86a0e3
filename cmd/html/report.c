/* mallow report: writes a profile as a page for a web browser. */
#include "html/report.h"

#include <stdlib.h>
#include <string.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/output.h"
#include "common/xalloc.h"
#include "control/target.h"
#include "proc/symbol_root.h"

static const char report_help[] =
    "Usage: mallow report [OPTION...] -o FILE.html PID|FILE...\n"
    "   or: mallow report [OPTION...] --diff -o FILE.html FILE FILE\n"
    "Writes a profile, or the profile of a running process, as one page for a web browser.\n"
    "The page needs neither a network nor other files.\n"
    "\n"
    "Options:\n"
    "  -o, --output=FILE  write the page to FILE; -: to standard output\n"
    "  --diff             compare two profiles: what has grown, and what has shrunk\n"
    "  --process=PID      show only the figures of this process of FILE\n"
    "  --sysroot=DIR      look for the program's files in DIR first\n"
    "  --help             print this text\n"
    "  --version          print the version\n"
    "\n"
    "A process must have been started by 'mallow run --sample', or with\n"
    "MALLOW_OPTIONS=control=on,sample=512k.\n"
    "The exit status is 0, 2 if FILE cannot be read or is not a profile, or 125 if the\n"
    "process does not answer or the page cannot be written.\n";

struct report_settings {
    const char *output;
    unsigned long process; /* 0: all */
    bool diff;
};

/* Adds the sections of a profile to another one. */
static void report_join(struct profile *profile, const struct profile *more) {
    for (size_t i = 0; i < more->count; i++) {
        profile->sections = xgrow(profile->sections, profile->count, sizeof *profile->sections);
        profile->sections[profile->count++] = more->sections[i];
    }
    profile->damaged += more->damaged;
    profile->truncated = profile->truncated || more->truncated;
}

static struct profile *report_read(int argc, char **argv) {
    if (argc - optind == 1 && profile_operand_is_process(argv[optind]))
        return profile_request_all(target_process(argc, argv));
    struct profile *profile = profile_read(argv[optind]);
    /* xgrow() needs a list that has grown one element at a time, as this one has. */
    for (int i = optind + 1; i < argc; i++) report_join(profile, profile_read(argv[i]));
    return profile;
}

static int report_write(const struct report_settings *settings, struct profile *const *profiles,
                        size_t count) {
    char *data;
    size_t data_bytes;
    struct stacks *stacks = stacks_open();
    for (size_t i = 0; i < count; i++) {
        if (settings->process != 0) profile_select(profiles[i], settings->process);
        stacks_add(stacks, profiles[i]);
    }
    FILE *to = xopen_memstream(&data, &data_bytes);
    report_data_write(to, stacks, profiles, count);
    xclose_memstream(to);
    stacks_free(stacks);
    struct output output = output_open(settings->output);
    report_page_write(output.to, data, data_bytes);
    output_close(&output);
    free(data);
    return 0;
}

static int report_operands(const struct report_settings *settings, int argc, char **argv) {
    char **names = operands(argc, argv, 1, ANY_NUMBER, "PID or FILE");
    if (settings->output == NULL || *settings->output == '\0')
        usage_error("no -o FILE.html given, the file to write");
    struct profile *profiles[2];
    if (!settings->diff) {
        profiles[0] = report_read(argc, argv);
        return report_write(settings, profiles, 1);
    }
    operands(argc, argv, 2, 2, "second FILE");
    for (int i = 0; i < 2; i++) profiles[i] = profile_read(names[i]);
    return report_write(settings, profiles, 2);
}

enum { OPTION_DIFF = OPTION_OWN, OPTION_PROCESS };

int report_command(int argc, char **argv) {
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"diff", no_argument, NULL, OPTION_DIFF},
        {"process", required_argument, NULL, OPTION_PROCESS},
        {"sysroot", required_argument, NULL, OPTION_SYSROOT},
        COMMON_OPTIONS,
    };
    struct report_settings settings = {.output = NULL};
    int option;
    while ((option = next_output_option(argc, argv, options, report_help)) != -1) {
        switch (option) {
        case 'o':
            settings.output = optarg;
            break;
        case OPTION_DIFF:
            settings.diff = true;
            break;
        case OPTION_PROCESS:
            settings.process = number_value("--process", optarg);
            break;
        case OPTION_SYSROOT:
            symbol_root_set(optarg);
            break;
        }
    }
    return report_operands(&settings, argc, argv);
}
