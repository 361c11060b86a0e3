/* Adds functions and lines to the frames of an answer. A child process does this, because the files
 * that the process has mapped may be hostile. Even if the child crashes, the answer is printed. */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/command.h"
#include "common/read_all.h"
#include "common/xalloc.h"
#include "control/target.h"
#include "leaks/leaks.h"
#include "symbols/symbolize.h"

#define SYMBOLIZE_TIMEOUT_MS 120000
#define SYMBOLIZED_MAX ((size_t)1 << 30)   /* bytes of the text with functions and lines */
#define CHILD_MEMORY_MAX ((rlim_t)8 << 30) /* bytes of address space */

static void leaks_symbols_limit_child(void) {
    static const struct rlimit memory = {CHILD_MEMORY_MAX, CHILD_MEMORY_MAX}, core = {0, 0};
    setrlimit(RLIMIT_AS, &memory); /* fails if the limit is lower already, which is fine */
    setrlimit(RLIMIT_CORE, &core);
}

static _Noreturn void leaks_symbols_symbolize_to(int output, char *text, pid_t process) {
    leaks_symbols_limit_child();
    FILE *from = fmemopen(text, strlen(text), "re"), *to = fdopen(output, "we");
    if (from == NULL || to == NULL) _exit(EXIT_OWN_FAILURE);
    const struct process_map *map = process_map_read(process);
    /* The files of another process that has the ID now would give wrong names. */
    if (!target_is_same(process)) _exit(0);
    symbolize_text(&(struct symbolize_task){.from = from, .to = to, .map = map});
    _exit(0);
}

static pid_t leaks_symbols_start_child(int ends[2], char *text, pid_t process) {
    pid_t child = fork();
    if (child < 0) err(EXIT_OWN_FAILURE, "cannot fork");
    if (child == 0) {
        close(ends[0]);
        leaks_symbols_symbolize_to(ends[1], text, process);
    }
    close(ends[1]);
    return child;
}

static void leaks_symbols_end_child(pid_t child) {
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
}

/* ---- the child's output ---- */

static const char *leaks_symbols_line_after(const char *line) {
    const char *end = strchr(line, '\n');
    return end == NULL ? NULL : end + 1;
}

/* Returns the line after those that replace one line of the answer, or NULL if they are incomplete.
 */
static const char *leaks_symbols_skip_frame(const char *symbolized) {
    static const char inlined[] = " (inlined)\n";
    for (const char *next; (next = leaks_symbols_line_after(symbolized)) != NULL;
         symbolized = next) {
        size_t length = (size_t)(next - symbolized);
        bool more = length >= strlen(inlined) &&
                    memcmp(next - strlen(inlined), inlined, strlen(inlined)) == 0;
        if (!more) return next;
    }
    return NULL;
}

/* Joins the complete lines that the child has written with the lines of the original text that it
 * has not reached. */
static char *leaks_symbols_merge(const char *symbolized, const char *text) {
    const char *at = symbolized, *rest = text, *next;
    while ((next = leaks_symbols_skip_frame(at)) != NULL && leaks_symbols_line_after(rest) != NULL)
        at = next, rest = leaks_symbols_line_after(rest);
    char *all;
    size_t length;
    FILE *to = xopen_memstream(&all, &length);
    fwrite(symbolized, 1, (size_t)(at - symbolized), to);
    fputs(rest, to);
    xclose_memstream(to);
    return all;
}

char *leaks_symbolize(char *text, pid_t process) {
    int ends[2];
    char *symbolized;
    size_t length;
    if (strstr(text, "\n    #") == NULL) return text;
    if (pipe(ends) != 0) err(EXIT_OWN_FAILURE, "cannot create a pipe");
    pid_t child = leaks_symbols_start_child(ends, text, process);
    enum read_end end =
        read_all(ends[0], clock_ms() + SYMBOLIZE_TIMEOUT_MS, SYMBOLIZED_MAX, &symbolized, &length);
    close(ends[0]);
    leaks_symbols_end_child(child);
    if (end == READ_LATE)
        warnx("looking up functions takes too long: the remaining frames are printed without them");
    char *all = leaks_symbols_merge(symbolized, text);
    free(symbolized);
    free(text);
    return all;
}
