/* mallow advise: says which way to get memory fits each call site of a trace. */
#include "advise/advise.h"

#include <stdlib.h>

#include "common/arguments.h"
#include "common/command.h"
#include "proc/symbol_root.h"

#define ADVISE_TOP_DEFAULT 20

static const char advise_help[] =
    "Usage: mallow advise [OPTION...] FILE\n"
    "Says for which call sites of a trace another way to get memory is better than\n"
    "malloc, why, and what it gains. The trace must have stacks:\n"
    "'mallow run --trace=FILE --trace-stacks'.\n"
    "\n"
    "Options:\n"
    "  --top=N        print at most N pieces of advice; 0: all; default: 20\n"
    "  --stacks       print a stack of each call site, too\n"
    "  --sysroot=DIR  look for the program's files in DIR first\n"
    "  --json         print the advice as JSON\n"
    "  --help         print this text\n"
    "  --version      print the version\n"
    "\n"
    "The exit status is 0, or 2 if FILE cannot be read, is not a trace, or has no\n"
    "stacks.\n";

enum { OPTION_TOP = OPTION_OWN, OPTION_STACKS };

int advise_command(int argc, char **argv) {
    static const struct option options[] = {
        {"top", required_argument, NULL, OPTION_TOP},
        {"stacks", no_argument, NULL, OPTION_STACKS},
        {"sysroot", required_argument, NULL, OPTION_SYSROOT},
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    struct advise_settings settings = {.top = ADVISE_TOP_DEFAULT};
    int option;
    while ((option = next_option(argc, argv, options, advise_help)) != -1) {
        switch (option) {
        case OPTION_TOP:
            settings.top = number_value("--top", optarg);
            break;
        case OPTION_STACKS:
            settings.stacks = true;
            break;
        case OPTION_SYSROOT:
            symbol_root_set(optarg);
            break;
        case OPTION_JSON:
            settings.json = true;
            break;
        }
    }
    struct advise *advise = advise_read(operands(argc, argv, 1, 1, "FILE")[0]);
    advise_judge(advise);
    if (settings.json)
        advise_print_json(stdout, advise, &settings);
    else
        advise_print(advise, &settings);
    advise_free(advise);
    return print_text("");
}
