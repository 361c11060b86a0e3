/* mallow export: writes a profile in a format that other programs read. */
#include "sites/export.h"

#include <err.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/output.h"
#include "proc/symbol_root.h"
#include "profiles/profile.h"

static const char export_help[] =
    "Usage: mallow export [OPTION...] --to=FORMAT PID|FILE\n"
    "Writes a profile in a format of other programs: the samples of a running process, or\n"
    "of a profile that 'mallow run --sample' has written.\n"
    "\n"
    "Options:\n"
    "  --to=FORMAT    pprof, collapsed, speedscope, json or csv\n"
    "  -o, --output=FILE\n"
    "                 write to FILE instead of standard output\n"
    "  --value=VALUE  figure of collapsed stacks, which pprof and speedscope also show\n"
    "                 first: live-bytes, live-blocks, allocated-bytes or\n"
    "                 allocated-blocks; default: live-bytes\n"
    "  --process=PID  write only the figures of this process of FILE\n"
    "  --sysroot=DIR  look for the program's files in DIR first\n"
    "  --help         print this text\n"
    "  --version      print the version\n"
    "\n"
    "The exit status is 0, 2 if FILE cannot be read or is not a profile, or 125 if the\n"
    "process does not answer or the output cannot be written.\n";

enum export_format {
    EXPORT_PPROF,
    EXPORT_COLLAPSED,
    EXPORT_SPEEDSCOPE,
    EXPORT_JSON,
    EXPORT_CSV,
    EXPORT_FORMATS,
};

static const char *const export_format_names[EXPORT_FORMATS] = {
    "pprof", "collapsed", "speedscope", "json", "csv",
};

struct export_settings {
    enum export_format format;
    enum export_value value;
    const char *output;
    unsigned long process; /* 0: all */
};

static void export_write(FILE *to, const struct export_settings *settings,
                         struct profile *profile) {
    static void (*const by_value[])(FILE *, const struct export *, enum export_value) = {
        [EXPORT_PPROF] = export_write_pprof,
        [EXPORT_COLLAPSED] = export_write_collapsed,
        [EXPORT_SPEEDSCOPE] = export_write_speedscope,
    };
    struct export *export = export_open();
    if (settings->process != 0) profile_select(profile, settings->process);
    export_add(export, profile, export_all);
    if (settings->format == EXPORT_JSON)
        export_write_json(to, profile, export->stacks);
    else if (settings->format == EXPORT_CSV)
        export_write_csv(to, profile, export->stacks);
    else
        by_value[settings->format](to, export, settings->value);
}

enum { OPTION_TO = OPTION_OWN, OPTION_VALUE, OPTION_PROCESS };

static void export_set_option(struct export_settings *settings, int option) {
    switch (option) {
    case OPTION_TO:
        settings->format =
            (enum export_format)choice_value("--to", optarg, export_format_names, EXPORT_FORMATS);
        break;
    case OPTION_VALUE:
        settings->value =
            (enum export_value)choice_value("--value", optarg, export_value_names, EXPORT_VALUES);
        break;
    case OPTION_PROCESS:
        settings->process = number_value("--process", optarg);
        break;
    case OPTION_SYSROOT:
        symbol_root_set(optarg);
        break;
    case 'o':
        settings->output = optarg;
        break;
    }
}

int export_command(int argc, char **argv) {
    static const struct option options[] = {
        {"to", required_argument, NULL, OPTION_TO},
        {"output", required_argument, NULL, 'o'},
        {"value", required_argument, NULL, OPTION_VALUE},
        {"process", required_argument, NULL, OPTION_PROCESS},
        {"sysroot", required_argument, NULL, OPTION_SYSROOT},
        COMMON_OPTIONS,
    };
    struct export_settings settings = {.format = EXPORT_FORMATS, .value = EXPORT_LIVE_BYTES};
    int option;
    while ((option = next_output_option(argc, argv, options, export_help)) != -1)
        export_set_option(&settings, option);
    if (settings.format == EXPORT_FORMATS) {
        operands(argc, argv, 1, 1, "PID or FILE");
        usage_error("no --to=FORMAT given");
    }
    struct profile *profile = profile_of_operand(argc, argv);
    struct output output = output_open(settings.output);
    if (settings.format == EXPORT_PPROF && output.to == stdout && isatty(STDOUT_FILENO))
        errx(EXIT_OWN_FAILURE, "this format is binary: use -o FILE or redirect standard output");
    export_write(output.to, &settings, profile);
    output_close(&output);
    return 0;
}
