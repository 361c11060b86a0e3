/* The arguments of a subcommand: options, operands, and what is said when they are wrong. */
#ifndef MALLOW_ARGUMENTS_H
#define MALLOW_ARGUMENTS_H

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>

/* Ends the command with a message, to which it adds where help is to be had. */
_Noreturn void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The values of long options are no letters: -h and -V are the only short ones. */
enum { OPTION_HELP = 256, OPTION_VERSION, OPTION_JSON, OPTION_OWN };

/* What every list of options ends with. */
#define COMMON_OPTIONS                                                                        \
    {"help", no_argument, NULL, OPTION_HELP}, {"version", no_argument, NULL, OPTION_VERSION}, \
        {NULL, 0, NULL, 0}

/* The next option, its value in `optarg`; -1 when there is none left. The common ones end the
 * command, and so does a wrong one. */
int next_option(int argc, char **argv, const struct option *options, const char *help);
/* The same, but what stands behind the first operand is none. */
int next_leading_option(int argc, char **argv, const struct option *options, const char *help);

#define ANY_NUMBER INT_MAX

/* The operands once all options are taken, ended by NULL: so many, of which `what` is needed. */
char **operands(int argc, char **argv, int min, int max, const char *name);

/* False: the text is no decimal number, or too large a one. */
bool parse_number(const char *text, unsigned long *number);

/* The number that is an option's value. */
unsigned long number_value(const char *option, const char *value);

#endif
