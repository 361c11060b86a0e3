/* mallow advise: prints the advice. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "advise/advise.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "proc/amount.h"
#include "sites/site_print.h"

#define COLUMNS_MAX 100u
#define INDENT "   "

/* ---- sites ---- */

char *advise_title(const struct advise *advise, size_t index) {
    const struct advise_site *site = &advise->sites[index];
    const struct stacks *tree = trace_stacks_tree(advise->stacks);
    uint32_t stack = trace_stacks_number(advise->stacks, site->stack);
    const struct stack_frame *frame = stacks_headline(tree, stack);
    return frame == NULL ? xstrdup("unknown function") : site_frame_title(tree, frame, false);
}

size_t advise_shown(const struct advise *advise, const struct advise_settings *settings) {
    bool is_limited = settings->top != 0 && settings->top < advise->count;
    return is_limited ? settings->top : advise->count;
}

/* ---- text ---- */

static size_t advise_columns(void) {
    struct winsize size;
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
    return is_known && size.ws_col < COLUMNS_MAX ? size.ws_col : COLUMNS_MAX;
}

/* Prints a paragraph in lines that fit the terminal. */
static void advise_print_paragraph(const char *text) {
    size_t columns = advise_columns(), column = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column == 0 || column + 1 + length > columns) {
            printf("%s" INDENT, column == 0 ? "" : "\n");
            column = strlen(INDENT);
        } else {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static char *advise_time(double nanoseconds) {
    if (nanoseconds < 1e6) return xasprintf("%.0f \302\265s", nanoseconds / 1e3);
    if (nanoseconds < 1e9) return xasprintf("%.1f ms", nanoseconds / 1e6);
    return xasprintf("%.2f s", nanoseconds / 1e9);
}

static void advise_print_gain(const struct advice *advice) {
    char *time = advise_time(advice->nanoseconds);
    bool has_time = advice->nanoseconds >= 1000, has_bytes = advice->bytes >= 1;
    if (has_time || has_bytes)
        printf(INDENT "Estimated gain: %s%s%s%s\n", has_time ? time : "",
               has_time && has_bytes ? ", and " : "",
               has_bytes ? amount_of((unsigned long long)advice->bytes).text : "",
               has_bytes ? " at the peak" : "");
    free(time);
}

static void advise_print_one(const struct advise *advise, const struct advice *advice,
                             size_t number, const struct advise_settings *settings) {
    const struct advise_site *site = &advise->sites[advice->site];
    char *title = advise_title(advise, advice->site);
    printf("\n%zu. %s: %s\n", number, advise_way_names[advice->way], title);
    free(title);
    for (size_t i = 0; i < advice->other_count; i++) {
        title = advise_title(advise, advice->others[i]);
        printf(INDENT "%s %s\n", i == 0 ? "and" : "   ", title);
        free(title);
    }
    advise_print_paragraph(advice->evidence);
    advise_print_paragraph(advice->what);
    advise_print_gain(advice);
    if (settings->stacks)
        site_print_stack(trace_stacks_tree(advise->stacks),
                         trace_stacks_number(advise->stacks, site->stack));
}

void advise_print(const struct advise *advise, const struct advise_settings *settings) {
    size_t shown = advise_shown(advise, settings), others = advise->site_count - advise->count;
    char *time = advise_time((double)advise->duration);
    for (size_t i = 0; i < advise->count; i++) others -= advise->list[i].other_count;
    printf("%" PRIu64 " event%s in %s, %zu call site%s: ", advise->events, plural(advise->events),
           time, advise->site_count, plural(advise->site_count));
    if (advise->count == 0)
        puts("nothing speaks for another way to get memory");
    else
        printf("advice for %zu, the others can stay as they are\n", advise->site_count - others);
    free(time);
    for (size_t i = 0; i < shown; i++) advise_print_one(advise, &advise->list[i], i + 1, settings);
    if (shown < advise->count)
        printf("\nand %zu more with less gain: --top=0\n", advise->count - shown);
}
