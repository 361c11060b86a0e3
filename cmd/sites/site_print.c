#include "sites/site_print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "proc/amount.h"
#include "symbols/function_names.h"

/* ---- figures ---- */

struct site_text site_text_error(double value, double variance) {
    struct site_text text = {""};
    if (value <= 0) return text;
    double percent = 100 * site_error(variance) / value;
    if (variance <= 0)
        snprintf(text.text, sizeof text.text, "exact");
    else
        snprintf(text.text, sizeof text.text, percent < 9.95 ? "%.1f %%" : "%.0f %%", percent);
    return text;
}

struct site_text site_text_count(double count) {
    struct site_text text;
    if (count < 1e6)
        snprintf(text.text, sizeof text.text, "%.0f", count);
    else if (count < 1e15)
        snprintf(text.text, sizeof text.text, "%.1f %c", count / (count < 1e9 ? 1e6 : 1e9),
                 count < 1e9 ? 'M' : 'G');
    else
        snprintf(text.text, sizeof text.text, "%.1e", count);
    return text;
}

struct site_text site_text_bytes(double bytes) {
    struct site_text text;
    struct amount amount = amount_of(bytes < 1e18 ? (unsigned long long)llround(bytes) : 1u << 31);
    if (bytes < 1e18)
        snprintf(text.text, sizeof text.text, "%.20s", amount.text);
    else
        snprintf(text.text, sizeof text.text, "%.1e", bytes);
    return text;
}

struct site_text site_text_seconds(double seconds) {
    struct site_text text;
    if (seconds < 1)
        snprintf(text.text, sizeof text.text, "%.0f ms", seconds * 1000);
    else if (seconds < 600)
        snprintf(text.text, sizeof text.text, seconds < 99.95 ? "%.1f s" : "%.0f s", seconds);
    else if (seconds < 360000)
        snprintf(text.text, sizeof text.text, "%.0f min", seconds / 60);
    else
        snprintf(text.text, sizeof text.text, "%.0f h", seconds / 3600);
    return text;
}

struct site_text site_text_lifetime(const struct site_figures *figures) {
    static const char *const names[MALLOW_PROFILE_LIFETIMES] = {
        "< 1 ms", "1-10 ms", "10-100 ms", "0.1-1 s", "1-10 s", "10-100 s", "100-1000 s", "> 1000 s",
    };
    struct site_text text;
    int median = site_median_lifetime(figures);
    const char *name = median < 0 ? "?" : median < MALLOW_PROFILE_LIFETIMES ? names[median] : NULL;
    snprintf(text.text, sizeof text.text, "%s%.16s", name == NULL ? "> " : name,
             name == NULL ? site_text_seconds(figures->oldest).text : "");
    return text;
}

/* ---- names ---- */

char *site_frame_title(const struct stacks *stacks, const struct stack_frame *frame,
                       bool has_folders) {
    const char *function = texts_get(&stacks->texts, frame->function);
    const char *place = texts_get(&stacks->texts, frame->file != 0 ? frame->file : frame->module);
    if (!has_folders) place = file_base_name(place);
    char *text, *name = frame->is_unnamed ? xstrdup(function) : function_short_name(function);
    if (frame->file != 0 && frame->line > 0)
        text = xasprintf("%s (%s:%d)", name, place, frame->line);
    else if (frame->is_unnamed && !has_folders)
        text = xstrdup(name);
    else
        text = xasprintf("%s (%s)", name, place);
    free(name);
    return text;
}

char *site_function_title(const struct stacks *stacks, const struct stack_frame *frame) {
    struct stack_frame whole = *frame;
    whole.line = 0;
    return site_frame_title(stacks, &whole, false);
}

char *site_title(const struct site_groups *groups, const struct site_group *group) {
    const struct stack_frame *frame = stacks_headline(groups->stacks, group->stack);
    switch (groups->by) {
    case BY_FUNCTION:
        if (frame != NULL) return site_function_title(groups->stacks, frame);
        break;
    case BY_STACK:
        if (frame != NULL) return site_frame_title(groups->stacks, frame, false);
        break;
    case BY_FILE:
    case BY_MODULE:
    case BY_PROCESS:
    case BY_THREAD:
    case BY_COUNT:
        if (group->key != 0) return xstrdup(texts_get(&groups->stacks->texts, group->key));
        break;
    }
    return xasprintf("unknown %s", site_by_names[groups->by]);
}

void site_print_stack(const struct stacks *stacks, uint32_t stack) {
    for (int i = 0; stack != 0; stack = stacks->list[stack].caller, i++) {
        if (i == STACK_DEPTH_MAX) {
            puts("    ...");
            return;
        }
        const struct stack_frame *frame = &stacks->frames[stacks->list[stack].frame];
        char *text = site_frame_title(stacks, frame, true);
        printf("    %s%s\n", text, frame->inlined ? ", inlined" : "");
        free(text);
    }
}

/* Returns the number of columns of the terminal, or SIZE_MAX. */
static size_t site_print_columns(void) {
    struct winsize size;
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return is_known ? size.ws_col : SIZE_MAX;
}

void site_print_title(const struct site_groups *groups, const struct site_group *group,
                      size_t column) {
    char *title = site_title(groups, group);
    size_t columns = site_print_columns(), length = strlen(title);
    if (columns > column + 20 && length > columns - column) {
        length = columns - column;
        while (length > 0 && ((unsigned char)title[length] & 0xc0) == 0x80) length--;
        title[length] = '\0';
    }
    puts(title);
    free(title);
}

/* Says how long the samples were taken. A profile that a running process passes does not tell. */
void site_print_programs(const struct profile *profile) {
    double seconds = (double)(profile_last_moment(profile) - profile_first_moment(profile)) / 1e9;
    const struct profile_section *first = profile->sections[0];
    printf("process %u (%s)", first->process.pid, first->program);
    if (profile->count > 1)
        printf(" and %zu other program%s", profile->count - 1, plural(profile->count - 1));
    if (first->process.rate == MALLOW_PROFILE_EACH_BLOCK) {
        printf(": %s of a trace, with each block\n", site_text_seconds(seconds).text);
        return;
    }
    if (profile->process == 0)
        printf(": %s of samples, one for", site_text_seconds(seconds).text);
    else
        printf(": one sample for");
    printf(" each %s on average\n", site_text_bytes((double)first->process.rate).text);
}
