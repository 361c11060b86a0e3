/* mallow sites: prints who allocates the memory of a process. */
#include "sites/sites.h"

#include <stdlib.h>
#include <string.h>

#include "common/arguments.h"
#include "common/command.h"
#include "proc/symbol_root.h"
#include "profiles/profile.h"

#define SITES_TOP_DEFAULT 20

static const char sites_help[] =
    "Usage: mallow sites [OPTION...] PID|FILE\n"
    "Prints which functions allocate the memory of a process, from the samples of a\n"
    "running process or of a profile that 'mallow run --sample' has written, or from a\n"
    "trace.\n"
    "\n"
    "Options:\n"
    "  --sort=ORDER   live, peak, allocated, calls or temporary;\n"
    "                 default: live, or peak if the program has ended\n"
    "  --by=KIND      sum up by function, stack, file, module, process or thread;\n"
    "                 default: function. --by=temp is --sort=temporary\n"
    "  --top=N        print at most N lines; 0: all; default: 20\n"
    "  --stacks       print the stack that accounts for most of each line, too\n"
    "  --process=PID  print only the figures of this process of FILE\n"
    "  --sysroot=DIR  look for the program's files in DIR first\n"
    "  --json         print the figures as JSON\n"
    "  --help         print this text\n"
    "  --version      print the version\n"
    "\n"
    "A process must have been started by 'mallow run --sample', or with\n"
    "MALLOW_OPTIONS=control=on,sample=512k.\n"
    "The exit status is 0, 2 if FILE cannot be read or is no profile or trace, or 125 if the\n"
    "process does not answer.\n";

const char *const site_order_names[ORDERS] = {
    [ORDER_LIVE] = "live",   [ORDER_PEAK] = "peak",           [ORDER_ALLOCATED] = "allocated",
    [ORDER_CALLS] = "calls", [ORDER_TEMPORARY] = "temporary",
};

const struct profile_snapshot *sites_last_snapshot(const struct profile_section *section) {
    return section->snapshot_count == 0 ? NULL : &section->snapshots[section->snapshot_count - 1];
}

double site_temporary_share(const struct site_figures *figures) {
    return figures->allocated.blocks > 0 ? figures->freed[0] / figures->allocated.blocks : 0;
}

struct site_figures sites_total(const struct site_groups *groups, int which) {
    struct site_figures total = {.peak_bytes = 0};
    for (size_t i = 0; i < groups->count; i++) {
        const struct site_figures *figures = &groups->list[i].figures[which];
        site_add_sum(&total.live, &figures->live);
        site_add_sum(&total.allocated, &figures->allocated);
        site_add_sum(&total.inherited, &figures->inherited);
        total.freed[0] += figures->freed[0];
    }
    return total;
}

/* ---- order ---- */

static double sites_value(const struct site_group *group, enum site_order order) {
    const struct site_figures *figures = &group->figures[0];
    switch (order) {
    case ORDER_PEAK:
        return figures->peak_bytes;
    case ORDER_ALLOCATED:
        return figures->allocated.bytes;
    case ORDER_CALLS:
        return figures->allocated.blocks;
    case ORDER_TEMPORARY:
        return figures->freed[0];
    case ORDER_LIVE:
    case ORDERS:
        break;
    }
    return figures->live.bytes;
}

/* Equal figures keep the order in which the sites were found. */
static int sites_compare(const void *a, const void *b, void *context) {
    const struct site_group *left = a, *right = b;
    const struct sites_settings *settings = context;
    double left_value = sites_value(left, settings->order);
    double right_value = sites_value(right, settings->order);
    if (left_value != right_value) return left_value < right_value ? 1 : -1;
    return left->key < right->key ? -1 : left->key > right->key;
}

/* Returns true if all programs have ended, and so have freed what they free at their end. */
static bool sites_have_ended(const struct profile *profile) {
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_snapshot *last = sites_last_snapshot(profile->sections[i]);
        if (last != NULL && last->totals.reason != MALLOW_PROFILE_EXIT) return false;
    }
    return true;
}

static int sites_report(struct sites_settings *settings, struct profile *profile) {
    struct stacks *stacks = stacks_open();
    struct site_groups *groups = site_groups_open(stacks, settings->by);
    if (settings->process != 0) profile_select(profile, settings->process);
    if (settings->order == ORDERS)
        settings->order =
            sites_have_ended(profile) && settings->by != BY_THREAD ? ORDER_PEAK : ORDER_LIVE;
    stacks_add(stacks, profile);
    for (size_t i = 0; i < profile->count; i++)
        site_groups_add(groups, profile->sections[i], sites_last_snapshot(profile->sections[i]), 0);
    if (groups->count > 0)
        qsort_r(groups->list, groups->count, sizeof *groups->list, sites_compare, (void *)settings);
    (settings->json ? sites_print_json : sites_print)(settings, profile, groups);
    return print_text("");
}

enum { OPTION_SORT = OPTION_OWN, OPTION_BY, OPTION_TOP, OPTION_STACKS, OPTION_PROCESS };

int sites_command(int argc, char **argv) {
    static const struct option options[] = {
        {"sort", required_argument, NULL, OPTION_SORT},
        {"by", required_argument, NULL, OPTION_BY},
        {"top", required_argument, NULL, OPTION_TOP},
        {"stacks", no_argument, NULL, OPTION_STACKS},
        {"process", required_argument, NULL, OPTION_PROCESS},
        {"sysroot", required_argument, NULL, OPTION_SYSROOT},
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    struct sites_settings settings = {.top = SITES_TOP_DEFAULT, .order = ORDERS};
    int option;
    while ((option = next_option(argc, argv, options, sites_help)) != -1) {
        switch (option) {
        case OPTION_SORT:
            settings.order =
                (enum site_order)choice_value("--sort", optarg, site_order_names, ORDERS);
            break;
        case OPTION_BY:
            if (strcmp(optarg, "temp") == 0) {
                settings.order = ORDER_TEMPORARY;
                break;
            }
            settings.by = (enum site_by)choice_value("--by", optarg, site_by_names, BY_COUNT);
            break;
        case OPTION_TOP:
            settings.top = number_value("--top", optarg);
            break;
        case OPTION_STACKS:
            settings.stacks = true;
            break;
        case OPTION_PROCESS:
            settings.process = number_value("--process", optarg);
            break;
        case OPTION_SYSROOT:
            symbol_root_set(optarg);
            break;
        case OPTION_JSON:
            settings.json = true;
            break;
        }
    }
    return sites_report(&settings, profile_of_operand(argc, argv));
}
