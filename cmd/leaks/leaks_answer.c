/* Parses the answer to the request "leaks" (mallow(7)). */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "leaks/leaks.h"

const char *const leak_kind_names[LEAK_KINDS] = {
    [LEAK_DEFINITE] = "definitely lost",
    [LEAK_INDIRECT] = "indirectly lost",
    [LEAK_POSSIBLE] = "possibly lost",
    [LEAK_REACHABLE] = "still reachable",
};

/* Returns the text after the prefix, or NULL if the text does not begin with it. */
static const char *leaks_answer_after_prefix(const char *text, const char *prefix) {
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* Parses "N bytes in N blocks" and returns the text after it, or NULL. */
static const char *leaks_answer_parse_sum(const char *at, struct leak_sum *sum) {
    int length = 0;
    sscanf(at, "%llu %*[bytes] in %llu %*[blocks]%n", &sum->bytes, &sum->blocks, &length);
    return length == 0 ? NULL : at + length;
}

/* Parses "KIND: SUM" and returns the text after it, or NULL. */
static const char *leaks_answer_parse_kind(const char *line, enum leak_kind *kind,
                                           struct leak_sum *sum) {
    for (*kind = 0; *kind < LEAK_KINDS; ++*kind) {
        const char *at = leaks_answer_after_prefix(line, leak_kind_names[*kind]);
        if (at != NULL && (at = leaks_answer_after_prefix(at, ": ")) != NULL)
            return leaks_answer_parse_sum(at, sum);
    }
    return NULL;
}

/* Parses "; one of N bytes at 0xADDRESS: FIRST-BYTES", or the end of a line without an example. */
static bool leaks_answer_parse_example(const char *at, struct leak_group *group) {
    static const char rest[] = "; in groups for which ";
    int length = 0;
    group->is_remainder = leaks_answer_after_prefix(at, rest) != NULL;
    if (group->is_remainder) return true;
    sscanf(at, "; one of %llu %*[bytes] at %llx:%n", &group->size, &group->address, &length);
    group->first_bytes = at + length + (at[length] == ' ');
    return length != 0;
}

static bool leaks_answer_parse_group(const char *line, struct leak_group *group) {
    *group = (struct leak_group){.line = line, .first_bytes = "", .frames = ""};
    const char *at = leaks_answer_parse_kind(line, &group->kind, &group->direct);
    const char *indirect = at == NULL ? NULL : leaks_answer_after_prefix(at, ", and through ");
    if (indirect != NULL) indirect += strcspn(indirect, " ");
    if (indirect != NULL && (indirect = leaks_answer_after_prefix(indirect, " ")) != NULL)
        at = leaks_answer_parse_sum(indirect, &group->indirect);
    return at != NULL && leaks_answer_parse_example(at, group);
}

static bool leaks_answer_parse_total(const char *line, struct leak_answer *answer) {
    enum leak_kind kind;
    struct leak_sum sum;
    const char *at = leaks_answer_after_prefix(line, "in all ");
    if (at == NULL || leaks_answer_parse_kind(at, &kind, &sum) == NULL) return false;
    answer->totals[kind] = sum;
    return true;
}

static bool leaks_answer_parse_stop(const char *line, struct leak_answer *answer) {
    return sscanf(line, "stopped %llu %*[threads] for %llu microseconds; %llu",
                  &answer->threads_stopped, &answer->pause_microseconds,
                  &answer->threads_missed) >= 2;
}

static struct leak_group *leaks_answer_add_group(struct leak_answer *answer) {
    answer->groups = xgrow(answer->groups, answer->count, sizeof *answer->groups);
    return &answer->groups[answer->count++];
}

/* Terminates the group's stack, whose lines begin at `next`, and returns the line after them. */
static char *leaks_answer_take_frames(struct leak_group *group, char *next) {
    char *first = next, *end;
    while (*next == ' ' && (end = strchr(next, '\n')) != NULL) next = end + 1;
    if (next == first) return next;
    group->frames = first;
    next[-1] = '\0';
    return next;
}

static _Noreturn void leaks_answer_refuse_line(const char *line) {
    errx(EXIT_OWN_FAILURE, "unknown line in the answer: '%.200s'", line);
}

struct leak_answer leaks_parse(char *text) {
    struct leak_answer answer = {.text = text};
    bool complete = false;
    for (char *line = text, *next; *line != '\0'; line = next) {
        struct leak_group group;
        next = line + strcspn(line, "\n");
        if (*next == '\0') errx(EXIT_OWN_FAILURE, "the answer is incomplete");
        *next++ = '\0';
        if (leaks_answer_parse_group(line, &group)) {
            next = leaks_answer_take_frames(&group, next);
            *leaks_answer_add_group(&answer) = group;
        } else if (leaks_answer_parse_stop(line, &answer)) {
            complete = true;
        } else if (!leaks_answer_parse_total(line, &answer)) {
            leaks_answer_refuse_line(line);
        }
    }
    if (!complete) errx(EXIT_OWN_FAILURE, "the answer is incomplete");
    return answer;
}
