/* The arguments of a subcommand: options, operands and error messages. */
#ifndef MALLOW_ARGUMENTS_H
#define MALLOW_ARGUMENTS_H

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>

/* Ends the command with a message, followed by a reference to --help. */
_Noreturn void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The values of long options lie above those of characters. The short options are -h, -V and -o,
 * and those of next_option_of(). */
enum { OPTION_HELP = 256, OPTION_VERSION, OPTION_JSON, OPTION_SYSROOT, OPTION_OWN };

/* The last entries of every list of options. */
#define COMMON_OPTIONS                                                                        \
    {"help", no_argument, NULL, OPTION_HELP}, {"version", no_argument, NULL, OPTION_VERSION}, \
        {NULL, 0, NULL, 0}

/* Returns the next option, with its value in `optarg`, or -1 at the end. A common option or an
 * invalid one ends the command. */
int next_option(int argc, char **argv, const struct option *options, const char *help);
/* Like next_option(), but also accepts short options: letters, each followed by a colon if it needs
 * a value. */
int next_option_of(int argc, char **argv, const char *letters, const struct option *options,
                   const char *help);
/* Like next_option(), but also accepts -o with a value, and returns 'o'. */
int next_output_option(int argc, char **argv, const struct option *options, const char *help);
/* Like next_output_option(), but leaves everything after the first operand alone. */
int next_leading_option(int argc, char **argv, const struct option *options, const char *help);

#define ANY_NUMBER INT_MAX

/* Returns the operands that follow the options, terminated by NULL. Ends the command if there are
 * fewer than `min` or more than `max`; `name` describes a missing operand in the message. */
char **operands(int argc, char **argv, int min, int max, const char *name);

/* Returns false if the text is not a decimal number or the number is too large. */
bool parse_number(const char *text, unsigned long *number);

/* Returns an option's value as a number. Ends the command if it is not a number. */
unsigned long number_value(const char *option, const char *value);

/* Returns the index of an option's value in the list of names. Ends the command if it is none of
 * them. */
int choice_value(const char *option, const char *value, const char *const *names, int count);

#endif
