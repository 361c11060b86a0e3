/* mallow run: runs a program on Mallow and prints a summary when it ends. */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "launch/alias.h"
#include "launch/child.h"
#include "launch/preload.h"
#include "launch/program.h"
#include "run/run_sample.h"
#include "run/run_trace.h"
#include "run/summary.h"

struct run_program {
    char *path;
    char **arguments;
};

static const char run_help[] =
    "Usage: mallow run [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
    "Runs PROGRAM on the Mallow memory allocator and prints a summary of its memory\n"
    "on standard error when it ends.\n"
    "\n"
    "Options:\n"
    "  --check       find memory errors: check=full, and bounds of memory functions\n"
    "  --guard[=N]   find each access to a freed block or beyond the end of a block:\n"
    "                put every block, or one in N, on pages of its own\n"
    "  --sample[=N]  write a profile: sample one allocation in N bytes (512k)\n"
    "  -o, --output=FILE\n"
    "                write the profile to FILE instead of PROGRAM.PID.mallow\n"
    "  --trace=FILE  write each call of the malloc family, and each system call for\n"
    "                memory, to FILE; print no summary\n"
    "  --trace-stacks[=N]\n"
    "                add the stacks of the calls: N frames (64)\n"
    "  --trace-full=wait|drop\n"
    "                choose what the program does when it records faster than mallow\n"
    "                writes: wait (the default), or drop events and count them\n"
    "  --with=system|LIBRARY\n"
    "                with --trace: leave PROGRAM on its own allocator, or run it on the\n"
    "                one in LIBRARY\n"
    "  --exec        become PROGRAM, for service managers; print no summary\n"
    "  --no-summary  run at full speed: count no calls and print no summary\n"
    "  --json        print the summary as JSON\n"
    "  --log=FILE    append the summary and the allocator's messages to FILE\n"
    "  --no-control  start no thread for 'mallow trim', 'stats', 'info' and 'leaks'\n"
    "  --help        print this text\n"
    "  --version     print the version\n"
    "\n"
    "The exit status is that of PROGRAM, 128 + N if signal N killed it, 125 if mallow\n"
    "itself fails, 126 if PROGRAM cannot be executed, or 127 if it is not found.\n";

/* Makes the path absolute, because the program may change its directory before the library opens
 * the file. */
static void run_add_log(const char *file) {
    if (*file == '\0' || strchr(file, ',') != NULL)
        usage_error("--log='%s': the name of a log must not be empty or contain a comma", file);
    /* NOLINTNEXTLINE(clang-analyzer-unix.StdCLibraryFunctions): glibc allocates for NULL */
    char *directory = *file == '/' ? strdup("") : getcwd(NULL, 0);
    if (directory == NULL) err(EXIT_OWN_FAILURE, "cannot determine the working directory");
    char *option = xasprintf("log=%s%s%s", directory, *file == '/' ? "" : "/", file);
    preload_add_options(option);
    free(option);
    free(directory);
}

/* Makes the library call this command to add functions and lines to the frames in its reports. */
static void run_add_symbolizer(void) {
    char path[PATH_MAX];
    preload_own_path(path);
    char *plain = alias_without(path, ",");
    char *option = xasprintf("symbolizer=%s", plain);
    preload_add_default(option);
    free(option);
    free(plain);
}

static void run_add_guard(const char *one_in) {
    char option[64];
    unsigned long number = one_in == NULL ? 1 : number_value("--guard", one_in);
    snprintf(option, sizeof option, "guard=%lu", number);
    preload_add_options(option);
}

static _Noreturn void run_execute(const void *argument) {
    const struct run_program *program = argument;
    summary_announce();
    run_sample_name();
    execvp(program->path, program->arguments);
    summary_retract();
    err(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE, "cannot run '%s'", program->path);
}

/* ---- the command line ---- */

enum {
    OPTION_CHECK = OPTION_OWN,
    OPTION_GUARD,
    OPTION_SAMPLE,
    OPTION_TRACE,
    OPTION_TRACE_STACKS,
    OPTION_TRACE_FULL,
    OPTION_WITH,
    OPTION_EXEC,
    OPTION_NO_SUMMARY,
    OPTION_LOG,
    OPTION_NO_CONTROL,
};

static const struct option run_options[] = {
    {"check", no_argument, NULL, OPTION_CHECK},
    {"guard", optional_argument, NULL, OPTION_GUARD},
    {"sample", optional_argument, NULL, OPTION_SAMPLE},
    {"trace", required_argument, NULL, OPTION_TRACE},
    {"trace-stacks", optional_argument, NULL, OPTION_TRACE_STACKS},
    {"trace-full", required_argument, NULL, OPTION_TRACE_FULL},
    {"with", required_argument, NULL, OPTION_WITH},
    {"output", required_argument, NULL, 'o'},
    {"exec", no_argument, NULL, OPTION_EXEC},
    {"no-summary", no_argument, NULL, OPTION_NO_SUMMARY},
    {"json", no_argument, NULL, OPTION_JSON},
    {"log", required_argument, NULL, OPTION_LOG},
    {"no-control", no_argument, NULL, OPTION_NO_CONTROL},
    COMMON_OPTIONS,
};

struct run_mode {
    bool check, exec, summary;
};

static void run_take_option(int option, struct run_mode *mode) {
    switch (option) {
    case OPTION_CHECK:
        preload_add_default("check=full");
        mode->check = true;
        break;
    case OPTION_GUARD:
        run_add_guard(optarg);
        break;
    case OPTION_SAMPLE:
        run_sample_set_rate(optarg);
        break;
    case OPTION_TRACE:
        run_trace_set_file(optarg);
        break;
    case OPTION_TRACE_STACKS:
        run_trace_set_stacks(optarg);
        break;
    case OPTION_TRACE_FULL:
        run_trace_set_full(optarg);
        break;
    case OPTION_WITH:
        run_trace_set_allocator(optarg);
        break;
    case 'o':
        run_sample_set_file(optarg);
        break;
    case OPTION_EXEC:
        mode->exec = true;
        break;
    case OPTION_NO_SUMMARY:
        mode->summary = false;
        break;
    case OPTION_JSON:
        preload_add_options("stats_format=json");
        break;
    case OPTION_LOG:
        run_add_log(optarg);
        break;
    case OPTION_NO_CONTROL:
        preload_add_options("control=off");
        break;
    }
}

int run_command(int argc, char **argv) {
    struct run_mode mode = {.summary = true};
    int option;

    run_add_symbolizer();
    preload_add_default("control=on");
    while ((option = next_leading_option(argc, argv, run_options, run_help)) != -1)
        run_take_option(option, &mode);
    char **arguments = operands(argc, argv, 1, ANY_NUMBER, "program");
    struct run_program program = {program_find(*arguments), arguments};
    program_require_preloadable(program.path, arguments);
    run_sample_prepare(*arguments);
    bool traces = run_trace_is_on();
    if (traces && mode.exec) usage_error("--trace and --exec exclude each other");
    if (run_trace_is_of_other() && mode.check) usage_error("--with and --check exclude each other");
    if (traces) run_trace_preload();
    if (mode.check) preload_library(MALLOW_CHECK_LIBRARY);
    if (!run_trace_is_of_other()) preload_library(MALLOW_LIBRARY);
    if (mode.exec) run_execute(&program);
    if (mode.summary && !traces) summary_prepare();
    if (traces) run_trace_start(program.path);
    struct child_end end = child_run(run_execute, &program);
    free(program.path);
    int status = child_exit_status(&end);
    summary_print(&end);
    run_sample_announce(end.process);
    if (traces) run_trace_end(end.status);
    return status;
}
