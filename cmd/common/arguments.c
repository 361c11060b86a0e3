#include "common/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"

void usage_error(const char *format, ...) {
    const char *name = program_invocation_short_name;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "; try '%s --help'\n", name);
    va_end(arguments);
    exit(EXIT_OWN_FAILURE);
}

/* Ends the command because getopt_long() has refused a short option, a word that is a prefix of no
 * option or of several, or an option with a missing or superfluous value. */
static _Noreturn void arguments_refuse_option(const char *word, const struct option *options,
                                              int refused) {
    if (refused == ':' && optopt < OPTION_HELP) usage_error("-%c needs a value", optopt);
    if (optopt == 0) usage_error("unknown or ambiguous option '%s'", word);
    if (optopt < OPTION_HELP) usage_error("unknown option '-%c'", optopt);
    while (options->val != optopt) options++;
    usage_error("--%s %s", options->name, refused == ':' ? "needs a value" : "takes no value");
}

/* In `optstring`, ":" makes getopt_long() return ':' when a value is missing, and "+" makes it stop
 * at the first operand. */
static int arguments_next_option(int argc, char **argv, const char *optstring,
                                 const struct option *options, const char *help) {
    opterr = 0;
    int option = getopt_long(argc, argv, optstring, options, NULL);
    switch (option) {
    case 'h':
    case OPTION_HELP:
        exit(print_text(help));
    case 'V':
    case OPTION_VERSION:
        exit(print_version());
    case '?':
    case ':':
        arguments_refuse_option(argv[optind - 1], options, option);
    default:
        return option;
    }
}

int next_option(int argc, char **argv, const struct option *options, const char *help) {
    return arguments_next_option(argc, argv, ":hV", options, help);
}

int next_option_of(int argc, char **argv, const char *letters, const struct option *options,
                   const char *help) {
    char optstring[32];
    snprintf(optstring, sizeof optstring, ":hV%s", letters);
    return arguments_next_option(argc, argv, optstring, options, help);
}

int next_output_option(int argc, char **argv, const struct option *options, const char *help) {
    return arguments_next_option(argc, argv, ":hVo:", options, help);
}

int next_leading_option(int argc, char **argv, const struct option *options, const char *help) {
    return arguments_next_option(argc, argv, "+:hVo:", options, help);
}

char **operands(int argc, char **argv, int min, int max, const char *name) {
    if (argc - optind < min) usage_error("no %s given", name);
    if (argc - optind > max) usage_error("unexpected argument '%s'", argv[optind + max]);
    return argv + optind;
}

bool parse_number(const char *text, unsigned long *number) {
    char *end;
    errno = 0;
    *number = strtoul(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0;
}

unsigned long number_value(const char *option, const char *value) {
    unsigned long number;
    if (!parse_number(value, &number)) usage_error("%s='%s' is not a number", option, value);
    return number;
}

int choice_value(const char *option, const char *value, const char *const *names, int count) {
    for (int i = 0; i < count; i++)
        if (strcmp(value, names[i]) == 0) return i;
    usage_error("%s='%s' is unknown", option, value);
}
