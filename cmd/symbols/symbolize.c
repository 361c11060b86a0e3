/*
 * mallow symbolize: a filter that adds functions and lines to the stack frames in a report.
 *
 * The library writes a frame as
 *
 *         #N 0xADDRESS in FILE+0xOFFSET
 *
 * ADDRESS is a return address. FILE is the link map's l_name or, if that is empty, the target of
 * /proc/self/exe. OFFSET is ADDRESS - l_addr (symbols.h). For the instruction that caused a fault,
 * the library writes the address of the instruction plus 1, so that it can be treated like a return
 * address. A frame becomes
 *
 *         #N 0xADDRESS in FUNCTION at SOURCE:LINE (FILE+0xOFFSET)
 *
 * without "at SOURCE:LINE" if there is no debug information. It is preceded by a line for each
 * function that is inlined there:
 *
 *         #N 0xADDRESS in FUNCTION at SOURCE:LINE (inlined)
 *
 * Everything else is copied unchanged.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "symbols/symbolize.h"
#include "symbols/symbols.h"

static const char symbolize_help[] =
    "Usage: mallow symbolize\n"
    "Copies standard input to standard output and adds functions, files and lines to\n"
    "the stack frames in the library's reports.\n"
    "\n"
    "Options:\n"
    "  --help       print this text\n"
    "  --version    print the version\n"
    "\n"
    "The exit status is 0, or 125 if the text cannot be copied.\n";

/* The parts of a frame's line: a prefix up to "in ", which has an address, a module, an offset. */
struct symbolize_frame {
    size_t prefix_length;
    uint64_t address, offset;
    char *module;
};

/* Returns false if the line is not a frame. */
static bool symbolize_parse_frame(const char *line, struct symbolize_frame *frame) {
    int prefix_length = 0, end = 0;
    if (sscanf(line, " #%*u 0x%lx in %n", &frame->address, &prefix_length) != 1 ||
        prefix_length == 0)
        return false;
    const char *plus = NULL;
    for (const char *at = line + prefix_length; (at = strstr(at, "+0x")) != NULL; at++) plus = at;
    if (plus == NULL || sscanf(plus, "+0x%lx%n", &frame->offset, &end) != 1 || plus[end] != '\n')
        return false;
    frame->prefix_length = (size_t)prefix_length;
    frame->module = strndup(line + prefix_length, (size_t)(plus - line - prefix_length));
    return frame->module != NULL;
}

static void symbolize_print_symbol(FILE *to, const char *line, const struct symbolize_frame *frame,
                                   const struct symbol *symbol) {
    const char *function = symbol->function != NULL ? symbol->function : "??";
    fprintf(to, "%.*s%s", (int)frame->prefix_length, line, function);
    if (symbol->file != NULL) fprintf(to, " at %s:%d", symbol->file, symbol->line);
    if (symbol->inlined)
        fputs(" (inlined)\n", to);
    else
        fprintf(to, " (%s+0x%lx)\n", frame->module, frame->offset);
}

/* Looks up the byte before the return address. */
static void symbolize_find_symbols(const struct symbolize_task *task, struct symbols *symbols,
                                   const struct symbolize_frame *frame, struct symbol_list *list) {
    uint64_t offset = frame->offset - 1;
    const char *module = frame->module;
    if (task->map != NULL)
        module = symbols_module_at(symbols, task->map, frame->address - 1, &offset);
    list->count = 0;
    if (module != NULL) symbols_find(symbols, module, offset, list);
}

/* Prints the line with its functions. Returns false, without output, if none is known. */
static bool symbolize_line(const struct symbolize_task *task, struct symbols *symbols,
                           const char *line) {
    struct symbolize_frame frame;
    struct symbol_list list;
    if (!symbolize_parse_frame(line, &frame)) return false;
    symbolize_find_symbols(task, symbols, &frame, &list);
    bool known = list.count != 0;
    for (size_t i = 0; i < list.count; i++)
        symbolize_print_symbol(task->to, line, &frame, &list.symbol[i]);
    symbol_list_clear(&list);
    free(frame.module);
    return known;
}

void symbolize_text(const struct symbolize_task *task) {
    struct symbols *symbols = symbols_open();
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, task->from)) > 0) {
        if (!symbolize_line(task, symbols, line)) fwrite(line, 1, (size_t)length, task->to);
        if (task->flush_lines && fflush(task->to) != 0) err(EXIT_OWN_FAILURE, "standard output");
    }
    if (ferror(task->from)) err(EXIT_OWN_FAILURE, "standard input");
    if (fflush(task->to) != 0) err(EXIT_OWN_FAILURE, "standard output");
    free(line);
    symbols_close(symbols);
}

/* The library starts this command with the environment of its program. Executes the command again
 * without LD_PRELOAD, because the command itself must not run on the library. */
static void symbolize_leave_library(void) {
    if (getenv("LD_PRELOAD") == NULL) return;
    unsetenv("LD_PRELOAD");
    unsetenv("MALLOW_OPTIONS");
    execl("/proc/self/exe", "mallow", "symbolize", (char *)NULL);
}

int symbolize_command(int argc, char **argv) {
    static const struct option options[] = {COMMON_OPTIONS};
    while (next_option(argc, argv, options, symbolize_help) != -1) continue;
    operands(argc, argv, 0, 0, "");
    symbolize_leave_library();
    symbolize_text(&(struct symbolize_task){.from = stdin, .to = stdout, .flush_lines = true});
    return 0;
}
