/*
 * mallow symbolize: a filter that gives the stack frames in a report functions and lines.
 *
 * The library writes a frame as
 *
 *         #N 0xADDRESS in FILE+0xOFFSET
 *
 * ADDRESS is a return address, FILE the link map's l_name or, where that is empty, the target of
 * /proc/self/exe, and OFFSET is ADDRESS - l_addr (symbols.h). Where a fault happened, which no call
 * returns to, it writes the address of the byte after the instruction's first. A frame becomes
 *
 *         #N 0xADDRESS in FUNCTION at SOURCE:LINE (FILE+0xOFFSET)
 *
 * without "at SOURCE:LINE" where there is no debug information; before it stands a line for each
 * function that was inlined there,
 *
 *         #N 0xADDRESS in FUNCTION at SOURCE:LINE (inlined)
 *
 * and all else stays as it is.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "command.h"
#include "symbols.h"

static const char help[] =
    "Usage: mallow symbolize\n"
    "Copies standard input to standard output and replaces stack frames, as the\n"
    "library's reports have them, by functions, files and lines.\n"
    "\n"
    "Options:\n"
    "  --help       print this text\n"
    "  --version    print the version\n"
    "\n"
    "The exit status is 0, or 125 when the text cannot be copied.\n";

/* A frame's line: a beginning up to "in ", a module and an offset. */
struct frame {
    size_t beginning;
    char *module;
    uint64_t offset;
};

/* False: the line is none. */
static bool parse_frame(const char *line, struct frame *frame) {
    int beginning = 0, end = 0;
    if (sscanf(line, " #%*u 0x%*x in %n", &beginning) == EOF || beginning == 0) return false;
    const char *plus = NULL;
    for (const char *at = line + beginning; (at = strstr(at, "+0x")) != NULL; at++) plus = at;
    if (plus == NULL || sscanf(plus, "+0x%lx%n", &frame->offset, &end) != 1 || plus[end] != '\n')
        return false;
    frame->beginning = (size_t)beginning;
    frame->module = strndup(line + beginning, (size_t)(plus - line - beginning));
    return frame->module != NULL;
}

static void print_symbol(const char *line, const struct frame *frame, const struct symbol *symbol) {
    const char *function = symbol->function != NULL ? symbol->function : "??";
    printf("%.*s%s", (int)frame->beginning, line, function);
    if (symbol->file != NULL) printf(" at %s:%d", symbol->file, symbol->line);
    if (symbol->inlined)
        puts(" (inlined)");
    else
        printf(" (%s+0x%lx)\n", frame->module, frame->offset);
}

/* False: nothing is known. */
static bool print_symbols(struct symbols *symbols, const char *line, const struct frame *frame) {
    struct symbol_list list;
    symbols_find(symbols, frame->module, frame->offset - 1, &list);
    bool known = list.count != 0;
    for (size_t i = 0; i < list.count; i++) print_symbol(line, frame, &list.symbol[i]);
    symbol_list_clear(&list);
    return known;
}

static bool convert(struct symbols *symbols, const char *line) {
    struct frame frame;
    if (!parse_frame(line, &frame)) return false;
    bool converted = print_symbols(symbols, line, &frame);
    free(frame.module);
    return converted;
}

static int convert_all(void) {
    struct symbols *symbols = symbols_open();
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, stdin)) > 0) {
        if (!convert(symbols, line)) fwrite(line, 1, (size_t)length, stdout);
        if (fflush(stdout) != 0) err(EXIT_OWN_FAILURE, "standard output");
    }
    if (ferror(stdin)) err(EXIT_OWN_FAILURE, "standard input");
    free(line);
    symbols_close(symbols);
    return 0;
}

/* A program that the library is in starts this with its own environment; the library and its
 * checks are not for us. */
static void leave_library(void) {
    if (getenv("LD_PRELOAD") == NULL) return;
    unsetenv("LD_PRELOAD");
    unsetenv("MALLOW_OPTIONS");
    execl("/proc/self/exe", "mallow", "symbolize", (char *)NULL);
}

int symbolize_command(int argc, char **argv) {
    static const struct option options[] = {COMMON_OPTIONS};
    while (next_option(argc, argv, options, help) != -1) continue;
    operands(argc, argv, 0, 0, "");
    leave_library();
    return convert_all();
}
