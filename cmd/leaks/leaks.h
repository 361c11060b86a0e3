/* mallow leaks: the answer of a process, and the steps that process it. */
#ifndef MALLOW_LEAKS_H
#define MALLOW_LEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum leak_kind { LEAK_DEFINITE, LEAK_INDIRECT, LEAK_POSSIBLE, LEAK_REACHABLE, LEAK_KINDS };

extern const char *const leak_kind_names[LEAK_KINDS];

struct leak_sum {
    unsigned long long blocks, bytes;
};

/* A group: blocks of one kind with the same allocation site. Strings point into the answer. */
struct leak_group {
    enum leak_kind kind;
    struct leak_sum direct, indirect;
    bool is_remainder; /* the sum of the groups that the process had no room for; has none of
                           the fields below */
    unsigned long long address, size;
    const char *line;        /* the group's line, terminated */
    const char *first_bytes; /* in the line: the block's first bytes, in hexadecimal and as text */
    const char *frames;      /* the lines of the stack, or "" */
};

struct leak_answer {
    char *text;
    struct leak_group *groups;
    size_t count;
    struct leak_sum totals[LEAK_KINDS], suppressed;
    unsigned long long threads_stopped, threads_missed, pause_microseconds;
};

/* Adds the functions and lines that are known to the frames, which are of that process. Frees the
 * text and returns the new one. */
char *leaks_symbolize(char *text, pid_t process);

/* Parses an answer. The result takes over the text, which is modified. Ends the command with a
 * message if the text is not a complete answer. */
struct leak_answer leaks_parse(char *text);

/* Removes the groups that match a pattern of the file. */
void leaks_suppress(struct leak_answer *answer, const char *file);

/* Print at most `limit` groups of each kind, or all if the limit is 0. */
void leaks_print(const struct leak_answer *answer, pid_t process, unsigned long limit);
void leaks_print_json(const struct leak_answer *answer, pid_t process, unsigned long limit);

/* The patterns of a file of suppressions. */
struct leaks_patterns {
    char **list;
    size_t count;
};

/* Ends the command with a message if the file cannot be read or has another line. */
struct leaks_patterns leaks_patterns_read(const char *file);
void leaks_patterns_free(struct leaks_patterns *patterns);

/* Returns true if one of the patterns matches the name. */
bool leaks_patterns_match(const struct leaks_patterns *patterns, const char *name, size_t length);

/* Prints the blocks that are left at the end of a profile, at most `limit` stacks of them, without
 * those that the file of suppressions lists (NULL: none). Returns the exit status. */
int leaks_profile_report(const char *path, const char *suppressions, unsigned long limit,
                         bool json);

#endif
