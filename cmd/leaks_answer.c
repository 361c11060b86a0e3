/* The answer to the request "leaks" (mallow(7)), taken apart. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "leaks.h"
#include "xalloc.h"

const char *const leak_kind_names[LEAK_KINDS] = {
    [LEAK_DEFINITE] = "definitely lost",
    [LEAK_INDIRECT] = "indirectly lost",
    [LEAK_POSSIBLE] = "possibly lost",
    [LEAK_REACHABLE] = "still reachable",
};

/* What stands behind the prefix, or NULL. */
static const char *leaks_answer_behind(const char *text, const char *prefix) {
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* "N bytes in N blocks" */
static const char *leaks_answer_parse_sum(const char *at, struct leak_sum *sum) {
    int length = 0;
    sscanf(at, "%llu %*[bytes] in %llu %*[blocks]%n", &sum->bytes, &sum->blocks, &length);
    return length == 0 ? NULL : at + length;
}

/* The kind's name and ": " in front of a sum; what stands behind. */
static const char *leaks_answer_parse_kind(const char *line, enum leak_kind *kind,
                                           struct leak_sum *sum) {
    for (*kind = 0; *kind < LEAK_KINDS; ++*kind) {
        const char *at = leaks_answer_behind(line, leak_kind_names[*kind]);
        if (at != NULL && (at = leaks_answer_behind(at, ": ")) != NULL)
            return leaks_answer_parse_sum(at, sum);
    }
    return NULL;
}

/* "; one of N bytes at 0xADDRESS: HEAD", or that there is no such block. */
static bool leaks_answer_parse_example(const char *at, struct leak_lines *group) {
    static const char rest[] = "; in groups for which ";
    int length = 0;
    group->is_rest = leaks_answer_behind(at, rest) != NULL;
    if (group->is_rest) return true;
    sscanf(at, "; one of %llu %*[bytes] at %llx:%n", &group->size, &group->address, &length);
    group->head = at + length + (at[length] == ' ');
    return length != 0;
}

static bool leaks_answer_parse_group(const char *line, struct leak_lines *group) {
    *group = (struct leak_lines){.line = line, .head = "", .frames = ""};
    const char *at = leaks_answer_parse_kind(line, &group->kind, &group->own);
    const char *led = at == NULL ? NULL : leaks_answer_behind(at, ", and through ");
    if (led != NULL) led += strcspn(led, " ");
    if (led != NULL && (led = leaks_answer_behind(led, " ")) != NULL)
        at = leaks_answer_parse_sum(led, &group->led);
    return at != NULL && leaks_answer_parse_example(at, group);
}

static bool leaks_answer_parse_total(const char *line, struct leak_answer *answer) {
    enum leak_kind kind;
    struct leak_sum sum;
    const char *at = leaks_answer_behind(line, "in all ");
    if (at == NULL || leaks_answer_parse_kind(at, &kind, &sum) == NULL) return false;
    answer->totals[kind] = sum;
    return true;
}

static bool leaks_answer_parse_stop(const char *line, struct leak_answer *answer) {
    return sscanf(line, "%llu %*[threads] stood still for %llu microseconds; %llu",
                  &answer->stopped, &answer->microseconds, &answer->missed) >= 2;
}

static struct leak_lines *leaks_answer_add_group(struct leak_answer *answer) {
    answer->groups = xgrow(answer->groups, answer->count, sizeof *answer->groups);
    return &answer->groups[answer->count++];
}

/* Ends the group's stack, whose lines begin at `next`; returns the line after them. */
static char *leaks_answer_take_frames(struct leak_lines *group, char *next) {
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
        struct leak_lines group;
        next = line + strcspn(line, "\n");
        if (*next == '\0') errx(EXIT_OWN_FAILURE, "the answer is cut off");
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
    if (!complete) errx(EXIT_OWN_FAILURE, "the answer is cut off");
    return answer;
}
