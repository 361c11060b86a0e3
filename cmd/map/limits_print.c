/* Prints the limits of a process, for people and as JSON. */
#include <stdio.h>
#include <string.h>

#include "common/command.h"
#include "common/json.h"
#include "proc/amount.h"
#include "proc/memory_limits.h"

/* ---- for people ---- */

static struct amount limits_value(const struct limit *limit, uint64_t value) {
    struct amount amount;
    if (!limit->is_count) return amount_of(value);
    snprintf(amount.text, sizeof amount.text, "%llu", (unsigned long long)value);
    return amount;
}

static void limits_print_limit(const struct limit *limit) {
    struct amount used = {"unknown"}, maximum = {"unlimited"}, left = {""};
    if (limit->used != LIMIT_UNKNOWN) used = limits_value(limit, limit->used);
    if (limit->maximum != LIMIT_NONE) maximum = limits_value(limit, limit->maximum);
    if (limit_left(limit) != LIMIT_NONE) left = limits_value(limit, limit_left(limit));
    printf("%-36s %12s %12s%s%12s\n", limit->label, used.text, maximum.text,
           *left.text == '\0' ? "" : " ", left.text);
}

static void limits_print_overcommit(const struct limits *limits) {
    static const char *const modes[] = {
        "promises more than there is, within reason",
        "promises any amount",
        "promises at most the limit above",
    };
    unsigned mode = (unsigned)limits->overcommit_mode;
    printf("overcommit: the kernel %s (vm.overcommit_memory is %d, vm.overcommit_ratio %d)\n",
           mode < 3 ? modes[mode] : "has an unknown mode", limits->overcommit_mode,
           limits->overcommit_ratio);
}

static void limits_print_pressure(const char *whose, struct pressure pressure) {
    if (pressure.some < 0) return;
    printf(
        "pressure of the %s: %.1f %% of the last 10 s some task waited for memory, %.1f %% all\n",
        whose, pressure.some, pressure.full < 0 ? 0 : pressure.full);
}

static void limits_print_events(const struct limits *limits) {
    for (unsigned i = 0; i < limits->event_count; i++)
        printf("control group %s: %llu event%s of %s\n", limits->events[i].group,
               (unsigned long long)limits->events[i].count, plural(limits->events[i].count),
               limits->events[i].name);
}

/* Says which limit comes first if the process grows, and which other limits are nearly reached. */
static void limits_print_verdict(const struct limits *limits) {
    const struct limit *first = limits_first(limits);
    if (first == NULL)
        printf("Nothing limits the memory of this process but the address space.\n");
    else
        printf("If its private memory grows by %s, it reaches the limit \"%s\": %s.\n",
               limits_value(first, limit_left(first)).text, first->label, first->effect);
    for (unsigned i = 0; i < limits->count; i++) {
        const struct limit *limit = &limits->list[i];
        if (limit == first || limit_left(limit) == LIMIT_NONE ||
            limit_left(limit) > limit->maximum / 10)
            continue;
        printf("Only %s of \"%s\" is left: then %s.\n", limits_value(limit, limit_left(limit)).text,
               limit->label, limit->effect);
    }
}

int limits_print(const struct limits *limits) {
    printf("process %d (%s)\n%-36s %12s %12s %12s\n", (int)limits->process, limits->program, "",
           "used", "limit", "left");
    for (unsigned i = 0; i < limits->count; i++) limits_print_limit(&limits->list[i]);
    if (limits->may_lock_all)
        printf("locked memory: RLIMIT_MEMLOCK does not apply, because it has CAP_IPC_LOCK\n");
    limits_print_overcommit(limits);
    limits_print_events(limits);
    limits_print_pressure("system", limits->system);
    limits_print_pressure("control group", limits->group);
    printf("out-of-memory score %ld, adjustment %ld\n", limits->oom_score, limits->oom_adjustment);
    limits_print_verdict(limits);
    return print_text("");
}

/* ---- JSON ---- */

static void limits_json_text(FILE *to, const char *name, const char *value) {
    fprintf(to, "\"%s\":", name);
    json_write_string(to, value, strlen(value));
}

static void limits_json_number(FILE *to, const char *name, uint64_t value) {
    if (value == UINT64_MAX)
        fprintf(to, ",\"%s\":null", name);
    else
        fprintf(to, ",\"%s\":%llu", name, (unsigned long long)value);
}

static void limits_json_limit(FILE *to, const struct limit *limit) {
    putc('{', to);
    limits_json_text(to, "name", limit->name);
    putc(',', to);
    limits_json_text(to, "label", limit->label);
    putc(',', to);
    limits_json_text(to, "unit", limit->is_count ? "count" : "bytes");
    limits_json_number(to, "used", limit->used);
    limits_json_number(to, "maximum", limit->maximum);
    limits_json_number(to, "left", limit_left(limit));
    putc(',', to);
    limits_json_text(to, "effect", limit->effect);
    putc('}', to);
}

static void limits_json_pressure(FILE *to, const char *name, struct pressure pressure) {
    if (pressure.some < 0)
        fprintf(to, ",\"%s\":null", name);
    else
        fprintf(to, ",\"%s\":{\"some_percent\":%.2f,\"full_percent\":%.2f}", name, pressure.some,
                pressure.full < 0 ? 0 : pressure.full);
}

static void limits_json_events(FILE *to, const struct limits *limits) {
    fprintf(to, ",\"events\":[");
    for (unsigned i = 0; i < limits->event_count; i++) {
        fputs(i == 0 ? "{" : ",{", to);
        limits_json_text(to, "group", limits->events[i].group);
        putc(',', to);
        limits_json_text(to, "name", limits->events[i].name);
        limits_json_number(to, "count", limits->events[i].count);
        putc('}', to);
    }
    putc(']', to);
}

void limits_write_json(FILE *to, const struct limits *limits) {
    const struct limit *first = limits_first(limits);
    fprintf(to, "{\"pid\":%d,", (int)limits->process);
    limits_json_text(to, "program", limits->program);
    fprintf(to, ",\"limits\":[");
    for (unsigned i = 0; i < limits->count; i++) {
        if (i != 0) putc(',', to);
        limits_json_limit(to, &limits->list[i]);
    }
    fprintf(to,
            "],\"overcommit_mode\":%d,\"overcommit_ratio\":%d,\"oom_score\":%ld,"
            "\"oom_score_adjustment\":%ld,\"may_lock_all\":%s",
            limits->overcommit_mode, limits->overcommit_ratio, limits->oom_score,
            limits->oom_adjustment, limits->may_lock_all ? "true" : "false");
    limits_json_events(to, limits);
    limits_json_pressure(to, "system_pressure", limits->system);
    limits_json_pressure(to, "group_pressure", limits->group);
    fprintf(to, ",\"first\":");
    if (first == NULL)
        fprintf(to, "null");
    else
        limits_json_limit(to, first);
    putc('}', to);
}

int limits_print_json(const struct limits *limits) {
    limits_write_json(stdout, limits);
    return print_text("\n");
}
