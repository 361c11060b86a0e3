/* What the command's subcommands share. */
#ifndef MALLOW_COMMAND_H
#define MALLOW_COMMAND_H

/* Exit status when the command itself fails, as env(1) and timeout(1) use it. */
#define EXIT_OWN_FAILURE 125
#define EXIT_CANNOT_EXECUTE 126
#define EXIT_NOT_FOUND 127

/* Prints text, or the version, on standard output; returns the exit status. */
int print_text(const char *text);
int print_version(void);

/* What makes a noun a plural behind that number. */
static inline const char *plural(unsigned long long count) { return count == 1 ? "" : "s"; }

/* The subcommands, a file each. The prefix of err(3) is "mallow SUBCOMMAND". */
int run_command(int argc, char **argv);
int trim_command(int argc, char **argv);
int stats_command(int argc, char **argv);
int info_command(int argc, char **argv);
int leaks_command(int argc, char **argv);
int mtrace_command(int argc, char **argv);
int symbolize_command(int argc, char **argv);

#endif
