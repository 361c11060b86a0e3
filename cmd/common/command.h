/* Declarations that all subcommands share. */
#ifndef MALLOW_COMMAND_H
#define MALLOW_COMMAND_H

/* The exit statuses of the command's own failures, the same as those of env(1) and timeout(1). */
#define EXIT_OWN_FAILURE 125
#define EXIT_CANNOT_EXECUTE 126
#define EXIT_NOT_FOUND 127

/* Print text or the version on standard output and return the exit status. */
int print_text(const char *text);
int print_version(void);

/* Returns the plural ending of a regular noun after that number. */
static inline const char *plural(unsigned long long count) { return count == 1 ? "" : "s"; }

/* The subcommands. Their messages by err(3) begin with "mallow SUBCOMMAND". */
int run_command(int argc, char **argv);
int trace_command(int argc, char **argv);
int trim_command(int argc, char **argv);
int stats_command(int argc, char **argv);
int info_command(int argc, char **argv);
int explain_command(int argc, char **argv);
int top_command(int argc, char **argv);
int limits_command(int argc, char **argv);
int map_command(int argc, char **argv);
int sites_command(int argc, char **argv);
int report_command(int argc, char **argv);
int diff_command(int argc, char **argv);
int export_command(int argc, char **argv);
int serve_command(int argc, char **argv);
int leaks_command(int argc, char **argv);
int advise_command(int argc, char **argv);
int strace_command(int argc, char **argv);
int import_command(int argc, char **argv);
int mtrace_command(int argc, char **argv);
int replay_command(int argc, char **argv);
int symbolize_command(int argc, char **argv);

#endif
