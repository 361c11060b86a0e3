/* mallow mtrace: evaluates a log of mtrace(3). */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/json.h"
#include "common/printable.h"
#include "common/xalloc.h"
#include "symbols/symbols.h"
#include "trace/trace_log.h"
#include "trace/trace_site.h"

#define EXIT_FOUND 1

static const char mtrace_help[] =
    "Usage: mallow mtrace [OPTION...] [PROGRAM] LOG\n"
    "Reads the log that mtrace(3) writes to the file named by MALLOC_TRACE. Prints\n"
    "memory that was not freed, frees of memory that was not allocated, and totals.\n"
    "PROGRAM is the traced program, if the name in the log does not lead to it.\n"
    "\n"
    "Options:\n"
    "  --json       print the result as JSON\n"
    "  --help       print this text\n"
    "  --version    print the version\n"
    "\n"
    "The exit status is 0, 1 if memory was not freed or a call was invalid, 2 if LOG\n"
    "cannot be read or is not such a log, or 125 if the command itself fails.\n";

struct mtrace_view {
    struct symbols *symbols;
    const char *program; /* NULL: use the name in the log */
    const struct trace_log *log;
};

/* ---- call sites ---- */

static const char *mtrace_file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Returns the file that the site belongs to. The log names the program as it was called, perhaps
 * from another directory. */
static const char *mtrace_module_of(const struct mtrace_view *view, const struct trace_site *site) {
    if (view->program == NULL) return site->object;
    bool same = strcmp(mtrace_file_name(site->object), mtrace_file_name(view->program)) == 0;
    return same || access(site->object, R_OK) != 0 ? view->program : site->object;
}

static void mtrace_print_symbol(FILE *to, const struct symbol *symbol) {
    fputs(symbol->function != NULL ? symbol->function : "??", to);
    if (symbol->file != NULL) fprintf(to, " at %s:%d", symbol->file, symbol->line);
    if (symbol->inlined) fputs(" (inlined)\n", to);
}

/* Prints the name from the symbol table, or else the name in the log. */
static void mtrace_print_name(FILE *to, const struct mtrace_view *view,
                              const struct trace_site *site, const struct symbol_list *list) {
    const char *object = site->object != NULL ? site->object : view->program;
    const char *known = list->count != 0 ? list->symbol[0].function : NULL;
    char *name = known == NULL && site->symbol != NULL ? symbols_demangle(site->symbol) : NULL;
    if (known == NULL) known = name;
    if (known != NULL) fprintf(to, "%s (", known);
    fprintf(to, "%s+0x%lx", object, site->offset);
    if (known != NULL) putc(')', to);
    free(name);
}

static void mtrace_print_site(FILE *to, const struct mtrace_view *view,
                              const struct trace_site *site) {
    struct symbol_list list = {.count = 0};
    if (site->object != NULL)
        trace_site_find_symbols(view->symbols, mtrace_module_of(view, site), site, &list);
    else if (view->program != NULL)
        symbols_find(view->symbols, view->program, site->offset - 1, &list);
    if (site->object == NULL && list.count == 0)
        fputs(*site->text == '\0' ? "unknown" : site->text, to);
    else if (list.count == 0 || list.symbol[0].file == NULL)
        mtrace_print_name(to, view, site, &list);
    else
        for (size_t i = 0; i < list.count; i++) mtrace_print_symbol(to, &list.symbol[i]);
    symbol_list_clear(&list);
}

/* Returns a line for the function, preceded by a line for each function that is inlined there. */
static const char *mtrace_describe(const struct mtrace_view *view, struct trace_site *site) {
    size_t size;
    if (site->description != NULL) return site->description;
    FILE *to = xopen_memstream(&site->description, &size);
    mtrace_print_site(to, view, site);
    xclose_memstream(to);
    make_printable(site->description, size, "\n");
    return site->description;
}

/* ---- blocks that were not freed ---- */

/* Blocks whose callers have the same description. */
struct mtrace_group {
    const char *caller;
    uint64_t bytes;
    const struct trace_block **blocks;
    size_t count;
};

struct mtrace_leaks {
    const struct mtrace_view *view;
    const struct trace_block **blocks; /* the blocks of a group are adjacent */
    struct mtrace_group *groups;       /* the largest first */
    size_t count, group_count;
};

static void mtrace_add_leak(const struct trace_block *block, void *to) {
    struct mtrace_leaks *leaks = to;
    mtrace_describe(leaks->view, block->allocated_at);
    leaks->blocks[leaks->count++] = block;
}

static int mtrace_compare_leaks(const void *a, const void *b) {
    const struct trace_block *left = *(const struct trace_block *const *)a;
    const struct trace_block *right = *(const struct trace_block *const *)b;
    int order = strcmp(left->allocated_at->description, right->allocated_at->description);
    return order != 0 ? order : left->address < right->address ? -1 : 1;
}

static int mtrace_compare_groups(const void *a, const void *b) {
    const struct mtrace_group *left = a, *right = b;
    if (left->bytes != right->bytes) return left->bytes < right->bytes ? 1 : -1;
    return strcmp(left->caller, right->caller);
}

static void mtrace_group_leaks(struct mtrace_leaks *leaks) {
    struct mtrace_group *group = leaks->groups - 1;
    for (size_t i = 0; i < leaks->count; i++) {
        const char *caller = leaks->blocks[i]->allocated_at->description;
        if (i == 0 || strcmp(caller, group->caller) != 0)
            *++group = (struct mtrace_group){.caller = caller, .blocks = leaks->blocks + i};
        group->bytes += leaks->blocks[i]->size;
        group->count++;
    }
    leaks->group_count = (size_t)(group + 1 - leaks->groups);
}

static struct mtrace_leaks mtrace_find_leaks(const struct mtrace_view *view) {
    size_t live = view->log->live_blocks;
    struct mtrace_leaks leaks = {.view = view,
                                 .blocks = xcalloc(live + 1, sizeof *leaks.blocks),
                                 .groups = xcalloc(live + 1, sizeof *leaks.groups)};
    trace_log_for_each_live(view->log, mtrace_add_leak, &leaks);
    qsort(leaks.blocks, leaks.count, sizeof *leaks.blocks, mtrace_compare_leaks);
    mtrace_group_leaks(&leaks);
    qsort(leaks.groups, leaks.group_count, sizeof *leaks.groups, mtrace_compare_groups);
    return leaks;
}

/* ---- as text ---- */

static const char *const mtrace_error_names[] = {
    [TRACE_FREED_TWICE] = "freed twice",
    [TRACE_NEVER_ALLOCATED] = "freed but never allocated in the log",
    [TRACE_ALLOCATED_TWICE] = "allocated again without being freed",
};

/* Prints the lines of a caller, indented. */
static void mtrace_print_caller(const char *before, const char *caller) {
    printf("%s\n", before);
    for (size_t length; *caller != '\0'; caller += length + (caller[length] != '\0')) {
        length = strcspn(caller, "\n");
        printf("    %.*s\n", (int)length, caller);
    }
}

static void mtrace_print_error(const struct mtrace_view *view, const struct trace_error *error) {
    printf("0x%lx %s, in line %zu of the log", error->address, mtrace_error_names[error->kind],
           error->line);
    mtrace_print_caller(", by", mtrace_describe(view, error->site));
    if (error->previous != NULL)
        mtrace_print_caller(error->kind == TRACE_FREED_TWICE ? "  previously freed by"
                                                             : "  previously allocated by",
                            mtrace_describe(view, error->previous));
    putchar('\n');
}

static void mtrace_print_group(const struct mtrace_group *group) {
    printf("%lu bytes in %zu block%s", group->bytes, group->count, plural(group->count));
    mtrace_print_caller(", allocated by", group->caller);
    for (size_t i = 0; i < group->count; i++)
        printf("  0x%lx %10lu bytes\n", group->blocks[i]->address, group->blocks[i]->size);
    putchar('\n');
}

static void mtrace_print_totals(const struct trace_log *log) {
    printf("Allocations: %lu, reallocations: %lu, frees: %lu, failed calls: %lu\n",
           log->allocations, log->reallocations, log->frees, log->failures);
    printf("Bytes allocated: %lu; peak: %lu in %lu blocks\n", log->allocated_bytes, log->peak_bytes,
           log->peak_blocks);
}

static void mtrace_print_text(const struct mtrace_view *view) {
    const struct trace_log *log = view->log;
    struct mtrace_leaks leaks = mtrace_find_leaks(view);
    for (size_t i = 0; i < log->error_count; i++) mtrace_print_error(view, &log->errors[i]);
    for (size_t i = 0; i < leaks.group_count; i++) mtrace_print_group(&leaks.groups[i]);
    printf("Not freed: %lu byte%s in %zu block%s\n", log->live_bytes, plural(log->live_bytes),
           leaks.count, plural(leaks.count));
    mtrace_print_totals(log);
    free(leaks.blocks);
    free(leaks.groups);
}

/* ---- as JSON ---- */

static void mtrace_print_json_caller(const char *caller) {
    char separator = '[';
    for (size_t length; *caller != '\0'; caller += length + (caller[length] != '\0')) {
        length = strcspn(caller, "\n");
        putchar(separator);
        json_print_string(caller, length);
        separator = ',';
    }
    putchar(']');
}

static void mtrace_print_json_error(const struct mtrace_view *view,
                                    const struct trace_error *error) {
    printf("{\"error\":\"%s\",\"address\":\"0x%lx\",\"line\":%zu,\"caller\":",
           mtrace_error_names[error->kind], error->address, error->line);
    mtrace_print_json_caller(mtrace_describe(view, error->site));
    printf(",\"before\":");
    if (error->previous == NULL)
        printf("null");
    else
        mtrace_print_json_caller(mtrace_describe(view, error->previous));
    putchar('}');
}

static void mtrace_print_json_group(const struct mtrace_group *group) {
    printf("{\"caller\":");
    mtrace_print_json_caller(group->caller);
    printf(",\"bytes\":%lu,\"blocks\":[", group->bytes);
    for (size_t i = 0; i < group->count; i++)
        printf("%s{\"address\":\"0x%lx\",\"bytes\":%lu}", i == 0 ? "" : ",",
               group->blocks[i]->address, group->blocks[i]->size);
    printf("]}");
}

static void mtrace_print_json(const struct mtrace_view *view) {
    const struct trace_log *log = view->log;
    struct mtrace_leaks leaks = mtrace_find_leaks(view);
    printf(
        "{\"allocations\":%lu,\"reallocations\":%lu,\"frees\":%lu,\"failures\":%lu,"
        "\"allocated_bytes\":%lu,\"peak_bytes\":%lu,\"peak_blocks\":%lu,"
        "\"live_bytes\":%lu,\"live_blocks\":%lu,\"errors\":[",
        log->allocations, log->reallocations, log->frees, log->failures, log->allocated_bytes,
        log->peak_bytes, log->peak_blocks, log->live_bytes, log->live_blocks);
    for (size_t i = 0; i < log->error_count; i++) {
        if (i != 0) putchar(',');
        mtrace_print_json_error(view, &log->errors[i]);
    }
    printf("],\"not_freed\":[");
    for (size_t i = 0; i < leaks.group_count; i++) {
        if (i != 0) putchar(',');
        mtrace_print_json_group(&leaks.groups[i]);
    }
    puts("]}");
    free(leaks.blocks);
    free(leaks.groups);
}

int mtrace_command(int argc, char **argv) {
    static const struct option options[] = {
        {"json", no_argument, NULL, OPTION_JSON},
        COMMON_OPTIONS,
    };
    void (*print)(const struct mtrace_view *view) = mtrace_print_text;
    int option;
    while ((option = next_option(argc, argv, options, mtrace_help)) != -1) {
        if (option == OPTION_JSON) print = mtrace_print_json;
    }
    char **files = operands(argc, argv, 1, 2, "log");
    bool has_program = files[1] != NULL;
    struct mtrace_view view = {symbols_open(), has_program ? files[0] : NULL,
                               trace_log_read(files[has_program])};
    if (view.program != NULL && access(view.program, R_OK) != 0)
        err(EXIT_OWN_FAILURE, "%s", view.program);
    print(&view);
    print_text("");
    symbols_close(view.symbols);
    return view.log->error_count != 0 || view.log->live_blocks != 0 ? EXIT_FOUND : 0;
}
