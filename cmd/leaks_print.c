/* What mallow leaks prints. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "json.h"
#include "leaks.h"

static size_t shown(const struct leak_answer *answer, unsigned long limit) {
    return limit == 0 || answer->count < limit ? answer->count : limit;
}

static void print_sum(const char *name, struct leak_sum sum) {
    printf("%-16s %14llu byte%-1s in %llu block%s\n", name, sum.bytes, plural(sum.bytes),
           sum.blocks, plural(sum.blocks));
}

static bool has_stack(const struct leak_answer *answer) {
    for (size_t i = 0; i < answer->count; i++)
        if (*answer->groups[i].frames != '\0') return true;
    return false;
}

void leaks_print(const struct leak_answer *answer, pid_t process, unsigned long limit) {
    size_t count = shown(answer, limit);
    for (size_t i = 0; i < count; i++) {
        puts(answer->groups[i].line);
        if (*answer->groups[i].frames != '\0') puts(answer->groups[i].frames);
    }
    size_t more = answer->count - count;
    if (more != 0) printf("%zu more group%s; --limit=0 lists all\n", more, plural(more));
    if (answer->count > 0 && !has_stack(answer))
        puts("where they were allocated is known in a process started by 'mallow run --check'");
    printf("%sprocess %d:\n", count > 0 ? "\n" : "", (int)process);
    for (int kind = 0; kind < LEAK_KINDS; kind++)
        print_sum(leak_kind_names[kind], answer->totals[kind]);
    if (answer->suppressed.blocks != 0) print_sum("suppressed", answer->suppressed);
    printf("%llu thread%s stood still for %llu.%03llu ms\n", answer->stopped,
           plural(answer->stopped), answer->microseconds / 1000, answer->microseconds % 1000);
    if (answer->missed != 0)
        printf(
            "%llu thread%s could not be stopped: what such a thread alone knows may be listed as"
            " lost\n",
            answer->missed, plural(answer->missed));
}

/* ---- JSON ---- */

/* As a name: an underscore for each space. */
static void print_name(const char *name) {
    putchar('"');
    for (; *name != '\0'; name++) putchar(*name == ' ' ? '_' : *name);
    fputs("\":", stdout);
}

static void print_frames(const char *frames) {
    fputs("\"stack\":[", stdout);
    for (const char *line = frames; *line != '\0';) {
        size_t length = strcspn(line, "\n"), indent = strspn(line, " ");
        if (line != frames) putchar(',');
        json_print_string(line + indent, length - indent);
        line += length + (line[length] == '\n');
    }
    putchar(']');
}

static void print_group(const struct leak_lines *group) {
    const char *bar = strchr(group->head, '|');
    printf(
        "{\"class\":\"%s\",\"bytes\":%llu,\"blocks\":%llu,"
        "\"indirect_bytes\":%llu,\"indirect_blocks\":%llu,"
        "\"address\":\"0x%llx\",\"size\":%llu,\"first_bytes\":",
        leak_kind_names[group->kind], group->own.bytes, group->own.blocks, group->led.bytes,
        group->led.blocks, group->address, group->size);
    size_t length = bar == NULL ? strlen(group->head) : (size_t)(bar - group->head);
    while (length > 0 && group->head[length - 1] == ' ') length--;
    json_print_string(group->head, length);
    putchar(',');
    print_frames(group->frames);
    putchar('}');
}

static void print_json_sum(const char *name, struct leak_sum sum) {
    print_name(name);
    printf("{\"bytes\":%llu,\"blocks\":%llu},", sum.bytes, sum.blocks);
}

void leaks_print_json(const struct leak_answer *answer, pid_t process, unsigned long limit) {
    size_t count = shown(answer, limit);
    printf("{\"pid\":%d,", (int)process);
    for (int kind = 0; kind < LEAK_KINDS; kind++)
        print_json_sum(leak_kind_names[kind], answer->totals[kind]);
    print_json_sum("suppressed", answer->suppressed);
    printf(
        "\"threads_stopped\":%llu,\"threads_missed\":%llu,\"pause_microseconds\":%llu,"
        "\"groups_omitted\":%zu,\"groups\":[",
        answer->stopped, answer->missed, answer->microseconds, answer->count - count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) putchar(',');
        print_group(&answer->groups[i]);
    }
    puts("]}");
}
