/* The output of mallow leaks, as text and as JSON. */
#include <stdio.h>
#include <string.h>

#include "common/command.h"
#include "common/json.h"
#include "leaks/leaks.h"

/* Counts the groups of each kind, of which those up to the limit are listed. */
struct leaks_listing {
    unsigned long limit; /* 0: no limit */
    size_t listed[LEAK_KINDS], omitted[LEAK_KINDS];
};

static bool leaks_is_listed(struct leaks_listing *listing, const struct leak_group *group) {
    bool listed = listing->limit == 0 || listing->listed[group->kind] < listing->limit;
    size_t *counts = listed ? listing->listed : listing->omitted;
    counts[group->kind]++;
    return listed;
}

static void leaks_print_sum(const char *name, struct leak_sum sum) {
    printf("%-16s %14llu byte%-1s in %llu block%s\n", name, sum.bytes, plural(sum.bytes),
           sum.blocks, plural(sum.blocks));
}

static bool leaks_has_stack(const struct leak_answer *answer) {
    for (size_t i = 0; i < answer->count; i++)
        if (*answer->groups[i].frames != '\0') return true;
    return false;
}

static void leaks_print_omitted(const struct leaks_listing *listing) {
    for (int kind = 0; kind < LEAK_KINDS; kind++)
        if (listing->omitted[kind] != 0)
            printf("%s: %zu more group%s; --limit=0 lists all\n", leak_kind_names[kind],
                   listing->omitted[kind], plural(listing->omitted[kind]));
}

static void leaks_print_lines(const struct leak_answer *answer, unsigned long limit) {
    struct leaks_listing listing = {.limit = limit};
    for (size_t i = 0; i < answer->count; i++) {
        const struct leak_group *group = &answer->groups[i];
        if (!leaks_is_listed(&listing, group)) continue;
        puts(group->line);
        if (*group->frames != '\0') puts(group->frames);
    }
    leaks_print_omitted(&listing);
}

void leaks_print(const struct leak_answer *answer, pid_t process, unsigned long limit) {
    leaks_print_lines(answer, limit);
    if (answer->count > 0 && !leaks_has_stack(answer))
        puts(
            "to see where they were allocated, start the process with 'mallow run --check'\n"
            "or, to see it for sampled blocks, with 'mallow run --sample'");
    printf("%sprocess %d:\n", answer->count > 0 ? "\n" : "", (int)process);
    for (int kind = 0; kind < LEAK_KINDS; kind++)
        leaks_print_sum(leak_kind_names[kind], answer->totals[kind]);
    if (answer->suppressed.blocks != 0) leaks_print_sum("suppressed", answer->suppressed);
    printf("stopped %llu thread%s for %llu.%03llu ms\n", answer->threads_stopped,
           plural(answer->threads_stopped), answer->pause_microseconds / 1000,
           answer->pause_microseconds % 1000);
    if (answer->threads_missed != 0)
        printf(
            "%llu thread%s could not be stopped: blocks that only such a thread points to"
            " may be listed as lost\n",
            answer->threads_missed, plural(answer->threads_missed));
}

/* ---- JSON ---- */

/* Prints the name of a member, with underscores for spaces. */
static void leaks_print_name(const char *name) {
    putchar('"');
    for (; *name != '\0'; name++) putchar(*name == ' ' ? '_' : *name);
    fputs("\":", stdout);
}

static void leaks_print_frames(const char *frames) {
    fputs("\"stack\":[", stdout);
    for (const char *line = frames; *line != '\0';) {
        size_t length = strcspn(line, "\n"), indent = strspn(line, " ");
        if (line != frames) putchar(',');
        json_print_string(line + indent, length - indent);
        line += length + (line[length] == '\n');
    }
    putchar(']');
}

/* Prints the first bytes in hexadecimal, without the text that follows them. */
static void leaks_print_first_bytes(const char *head) {
    size_t length = strcspn(head, "|");
    while (length > 0 && head[length - 1] == ' ') length--;
    json_print_string(head, length);
}

static void leaks_print_example(const struct leak_group *group) {
    if (group->is_remainder) {
        fputs("\"address\":null,\"size\":null,\"first_bytes\":null,", stdout);
        return;
    }
    printf("\"address\":\"0x%llx\",\"size\":%llu,\"first_bytes\":", group->address, group->size);
    leaks_print_first_bytes(group->first_bytes);
    putchar(',');
}

static void leaks_print_group(const struct leak_group *group) {
    printf(
        "{\"class\":\"%s\",\"bytes\":%llu,\"blocks\":%llu,"
        "\"indirect_bytes\":%llu,\"indirect_blocks\":%llu,",
        leak_kind_names[group->kind], group->direct.bytes, group->direct.blocks,
        group->indirect.bytes, group->indirect.blocks);
    leaks_print_example(group);
    leaks_print_frames(group->frames);
    putchar('}');
}

static void leaks_print_json_sum(const char *name, struct leak_sum sum) {
    leaks_print_name(name);
    printf("{\"bytes\":%llu,\"blocks\":%llu},", sum.bytes, sum.blocks);
}

static void leaks_print_groups(const struct leak_answer *answer, struct leaks_listing *listing) {
    const char *separator = "";
    fputs("\"groups\":[", stdout);
    for (size_t i = 0; i < answer->count; i++) {
        if (!leaks_is_listed(listing, &answer->groups[i])) continue;
        fputs(separator, stdout);
        separator = ",";
        leaks_print_group(&answer->groups[i]);
    }
    fputs("],", stdout);
}

/* Prints the total, then the number of each kind. */
static void leaks_print_json_omitted(const struct leaks_listing *listing) {
    size_t all = 0;
    for (int kind = 0; kind < LEAK_KINDS; kind++) all += listing->omitted[kind];
    printf("\"groups_omitted\":%zu,\"groups_omitted_by_class\":{", all);
    for (int kind = 0; kind < LEAK_KINDS; kind++) {
        if (kind != 0) putchar(',');
        leaks_print_name(leak_kind_names[kind]);
        printf("%zu", listing->omitted[kind]);
    }
    puts("}}");
}

void leaks_print_json(const struct leak_answer *answer, pid_t process, unsigned long limit) {
    struct leaks_listing listing = {.limit = limit};
    printf("{\"pid\":%d,", (int)process);
    for (int kind = 0; kind < LEAK_KINDS; kind++)
        leaks_print_json_sum(leak_kind_names[kind], answer->totals[kind]);
    leaks_print_json_sum("suppressed", answer->suppressed);
    printf("\"threads_stopped\":%llu,\"threads_missed\":%llu,\"pause_microseconds\":%llu,",
           answer->threads_stopped, answer->threads_missed, answer->pause_microseconds);
    leaks_print_groups(answer, &listing);
    leaks_print_json_omitted(&listing);
}
