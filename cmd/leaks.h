/* mallow leaks: what a process answered, and what is made of it. */
#ifndef MALLOW_LEAKS_H
#define MALLOW_LEAKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum leak_kind { LEAK_DEFINITE, LEAK_INDIRECT, LEAK_POSSIBLE, LEAK_REACHABLE, LEAK_KINDS };

extern const char *const leak_kind_names[LEAK_KINDS];

struct leak_sum {
    unsigned long long blocks, bytes;
};

/* Blocks that were lost at one place, in the answer's lines. */
struct leak_group {
    enum leak_kind kind;
    struct leak_sum direct, indirect;
    bool
        is_remainder; /* all blocks of groups for which there was no room; nothing below is known */
    unsigned long long address, size;
    const char *line;        /* the group's, ended */
    const char *first_bytes; /* in it: the first bytes in hexadecimal, and as characters */
    const char *frames;      /* the lines behind it, ended by an empty one */
};

struct leak_answer {
    char *text;
    struct leak_group *groups;
    size_t count;
    struct leak_sum totals[LEAK_KINDS], suppressed;
    unsigned long long threads_stopped, threads_missed, pause_microseconds;
};

/* Gives the frames of that process functions and lines, as far as they are known, and returns the
 * new text; frees the old one. */
char *leaks_symbolize(char *text, pid_t process);

/* Takes the text of an answer apart, which it changes; ends the command when it is not understood.
 */
struct leak_answer leaks_parse(char *text);

/* Takes out what the file of suppressions names. */
void leaks_suppress(struct leak_answer *answer, const char *file);

/* At most `limit` groups of each kind; 0: all. */
void leaks_print(const struct leak_answer *answer, pid_t process, unsigned long limit);
void leaks_print_json(const struct leak_answer *answer, pid_t process, unsigned long limit);

#endif
