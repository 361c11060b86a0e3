/* mallow advise: prints the advice. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "advise.h"
#include "amount.h"
#include "command.h"
#include "json.h"
#include "site_print.h"
#include "xalloc.h"

#define COLUMNS_MAX 100u
#define INDENT "   "

/* ---- sites ---- */

/* Returns "function (file:line)" of a site. The caller frees it. */
static char *advise_title(const struct advise *advise, size_t index) {
    const struct advise_site *site = &advise->sites[index];
    const struct stacks *tree = trace_stacks_tree(advise->stacks);
    uint32_t stack = trace_stacks_number(advise->stacks, site->stack);
    const struct stack_frame *frame = stacks_headline(tree, stack);
    return frame == NULL ? xstrdup("unknown function") : site_frame_title(tree, frame, false);
}

static size_t advise_shown(const struct advise *advise, const struct advise_settings *settings) {
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

/* ---- JSON ---- */

static void advise_json_text(FILE *to, const char *name, const char *value) {
    fprintf(to, "\"%s\":", name);
    json_write_string(to, value, strlen(value));
}

static void advise_json_frame(FILE *to, const struct stacks *tree,
                              const struct stack_frame *frame) {
    putc('{', to);
    advise_json_text(to, "function", texts_get(&tree->texts, frame->function));
    if (frame->file != 0) {
        putc(',', to);
        advise_json_text(to, "file", texts_get(&tree->texts, frame->file));
        fprintf(to, ",\"line\":%d", frame->line);
    }
    putc(',', to);
    advise_json_text(to, "module", texts_get(&tree->texts, frame->module));
    fprintf(to, ",\"inlined\":%s}", frame->inlined ? "true" : "false");
}

static void advise_json_stack(FILE *to, const struct stacks *tree, uint32_t stack) {
    fputs("\"stack\":[", to);
    for (int i = 0; stack != 0 && i < STACK_DEPTH_MAX; stack = tree->list[stack].caller, i++) {
        if (i != 0) putc(',', to);
        advise_json_frame(to, tree, &tree->frames[tree->list[stack].frame]);
    }
    putc(']', to);
}

/* Prints the names of a site, its stack and its figures. */
static void advise_json_site(FILE *to, const struct advise *advise, size_t index) {
    const struct advise_site *site = &advise->sites[index];
    const struct stacks *tree = trace_stacks_tree(advise->stacks);
    uint32_t stack = trace_stacks_number(advise->stacks, site->stack);
    char *title = advise_title(advise, index);
    putc('{', to);
    advise_json_text(to, "title", title);
    free(title);
    putc(',', to);
    advise_json_stack(to, tree, stack);
    fprintf(to,
            ",\"blocks\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"size_min\":%" PRIu64
            ",\"size_max\":%" PRIu64 ",\"peak_blocks\":%" PRIu64 ",\"peak_bytes\":%" PRIu64
            ",\"threads\":%" PRIu32 ",\"freed\":%" PRIu64 ",\"freed_by_another_thread\":%" PRIu64
            ",\"resized\":%" PRIu64 ",\"lifetime_mean_ns\":%.0f}",
            site->blocks, site->bytes, site->sizes.min, site->sizes.max, site->peak_blocks,
            site->peak_bytes, site->threads, site->freed, site->freed_by_another_thread,
            site->resized, (double)site->lifetimes / (double)site->blocks);
}

static void advise_json_one(FILE *to, const struct advise *advise, const struct advice *advice) {
    putc('{', to);
    advise_json_text(to, "mechanism", advise_way_names[advice->way]);
    fputs(",\"site\":", to);
    advise_json_site(to, advise, advice->site);
    fputs(",\"others\":[", to);
    for (size_t i = 0; i < advice->other_count; i++) {
        if (i != 0) putc(',', to);
        advise_json_site(to, advise, advice->others[i]);
    }
    fputs("],", to);
    advise_json_text(to, "advice", advice->what);
    putc(',', to);
    advise_json_text(to, "evidence", advice->evidence);
    fputs(",\"figures\":{", to);
    for (size_t i = 0; i < advice->figure_count; i++)
        fprintf(to, "%s\"%s\":%" PRIu64, i == 0 ? "" : ",", advice->figures[i].name,
                advice->figures[i].value);
    fprintf(to, "},\"gain\":{\"nanoseconds\":%.0f,\"bytes\":%.0f}}", advice->nanoseconds,
            advice->bytes);
}

void advise_print_json(FILE *to, const struct advise *advise,
                       const struct advise_settings *settings) {
    size_t shown = advise_shown(advise, settings);
    fprintf(to, "{\"events\":%" PRIu64 ",\"duration_ns\":%" PRIu64 ",\"sites\":%zu,\"advice\":[",
            advise->events, advise->duration, advise->site_count);
    for (size_t i = 0; i < shown; i++) {
        if (i != 0) putc(',', to);
        advise_json_one(to, advise, &advise->list[i]);
    }
    fputs("]}\n", to);
}
