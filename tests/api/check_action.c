/*
 * A detected error is reported, ends the program or is ignored, as the three bits of M_CHECK_ACTION
 * say:
 *     check_action EXPECTED [M_CHECK_ACTION=VALUE]
 * If the program continues, its heap is the same as without the error.
 */
#include "knob.h"
#include "processes.h"

#include <regex.h>
#include <signal.h>
#include <stdbool.h>

enum { REPORT = 1, ABORT = 2, SIMPLE = 4 };

static void commit_errors(void) {
    void *volatile dead = malloc(48);
    char *volatile live = malloc(1000);
    int local = 0;
    int *volatile on_stack = &local;
    free(dead);
    free(dead);
    free(live + 16);
    free(on_stack);
    CHECK(realloc(dead, 4000) == NULL);
    CHECK_EQUAL(malloc_usable_size(dead), 0);
    CHECK_EQUAL(malloc_usable_size(live) >= 1000, 1);
    void *one = malloc(48), *other = malloc(48);
    CHECK(one != other);
    free(one);
    free(other);
    free(live);
}

/* Checked blocks have exactly the size that was requested. */
static bool blocks_are_checked(void) {
    void *volatile block = malloc(41);
    bool exact = malloc_usable_size(block) == 41;
    free(block);
    return exact;
}

/* Expects one line for each error, or only the first line if that error ends the program. */
static void check_messages(const char *text, int action) {
    static const char *const detailed[] = {
        "mallow: double free of 0x[0-9a-f]+ \\(slot [^\n]* called from 0x",
        "mallow: invalid free of 0x[0-9a-f]+ \\(16 bytes inside slot ",
        "mallow: invalid free of 0x[0-9a-f]+ \\(on the stack, ",
        "mallow: use after free of 0x[0-9a-f]+ \\(.*, in realloc called from ",
        "mallow: use after free of 0x[0-9a-f]+ \\(.*, in malloc_usable_size called from ",
    };
    static const char *const of_checked_blocks[] = {
        "mallow: double free of 0x[0-9a-f]+ \\(a block of 48 bytes, ",
        "mallow: invalid free of 0x[0-9a-f]+ \\(16 bytes inside a block of 1000 bytes, ",
        "mallow: invalid free of 0x[0-9a-f]+ \\(on the stack, ",
        "mallow: use after free of 0x[0-9a-f]+ \\(a block of 48 .*, in realloc called from ",
        "mallow: use after free of 0x[0-9a-f]+ \\(a block of 48 .*, in malloc_usable_size called ",
    };
    static const char *const simple[] = {
        "mallow: double free in free$",
        "mallow: invalid free in free$",
        "mallow: invalid free in free$",
        "mallow: use after free in realloc$",
        "mallow: use after free in malloc_usable_size$",
    };
    int count = (action & REPORT) == 0 ? 0 : (action & ABORT) != 0 ? 1 : 5;
    for (int i = 0; i < count; i++) {
        char line[512] = "";
        size_t length = strcspn(text, "\n");
        CHECK(text[length] == '\n' && length < sizeof(line));
        memcpy(line, text, length);
        regex_t pattern;
        const char *const *expected = (action & SIMPLE) != 0 ? simple
                                      : blocks_are_checked() ? of_checked_blocks
                                                             : detailed;
        CHECK_EQUAL(regcomp(&pattern, expected[i], REG_EXTENDED), 0);
        if (regexec(&pattern, line, 0, NULL, 0) != 0)
            check_failed("'%s' is not '%s'\n", line, expected[i]);
        regfree(&pattern);
        text += length + 1;
        while (*text == ' ') text += strcspn(text, "\n") + 1; /* skips stacks and bytes */
    }
    if (*text != '\0') check_failed("one too many: %s", text);
}

/* A variable that chooses an action also turns on the checks; mallopt changes only the action. */
static bool checks_are_asked_for(void) {
    const char *action = getenv("MALLOC_CHECK_"), *tunables = getenv("GLIBC_TUNABLES");
    return (action != NULL && (*action & (REPORT | ABORT)) != 0) ||
           (tunables != NULL && strpbrk(tunables, "123") != NULL);
}

int main(int argc, char **argv) {
    int action = atoi(argv[1]), ends[2], status;
    if (argc > 2) turn_knob(argv[2]);
    CHECK_EQUAL(blocks_are_checked(), checks_are_asked_for());
    CHECK_EQUAL(pipe(ends), 0);
    pid_t child = start_child();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        commit_errors();
        _exit(EXIT_SUCCESS);
    }
    close(ends[1]);
    char text[65536] = "";
    size_t length = 0;
    for (ssize_t n; (n = read(ends[0], text + length, sizeof(text) - 1 - length)) > 0;)
        length += (size_t)n;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    if (!aborted) CHECK_EQUAL(status, 0);
    CHECK_EQUAL(aborted, (action & ABORT) != 0);
    check_messages(text, action);
}
