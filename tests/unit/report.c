/* A report describes the error with its block, stacks and bytes. Then it returns, ends the process
 * or calls a handler. */
#include "threads.h"

#include "bodies.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "check/misuse.h"
#include "mallow.h"
#include "os/os.h"
#include "os/os_service.h"
#include "os/os_thread.h"
#include "process/options.h"
#include "report/handler.h"
#include "report/report.h"

static char memory[4096] __attribute__((aligned(4096)));
static struct block_info block = {.life = LIFE_LIVE, .start = memory + 1024, .size = 100};

static struct error error_at(ptrdiff_t offset) {
    return (struct error){.cause = "heap overflow", .p = block.start + offset, .block = &block};
}

static void check_first_line(const struct error *e, const char *expected) {
    report_error(e);
    const char *text = reported(), *end = strchr(text, '\n');
    if (end == NULL || strncmp(text, expected, (size_t)(end - text)) != 0 ||
        expected[end - text] != '\0')
        check_failed("reported was \"%s\", not \"%s\"\n", text, expected);
}

/* Returns "mallow: CAUSE of 0xADDR (WHAT, thread N "name")REST". */
static const char *line(const char *cause, const void *p, const char *what, const char *rest) {
    static char text[300];
    snprintf(text, sizeof text, "mallow: %s of %p (%s, thread %d \"reporting\")%s", cause, p, what,
             os_thread_id(), rest);
    return text;
}

static void begin(void) { prctl(PR_SET_NAME, "reporting"); }

static void distances_from_the_block_are_given(void) {
    static const struct {
        ptrdiff_t at;
        const char *what;
    } cases[] = {
        {-1000, "1000 bytes before a block of 100 bytes"},
        {-1, "1 byte before a block of 100 bytes"},
        {0, "a block of 100 bytes"},
        {1, "1 byte inside a block of 100 bytes"},
        {99, "99 bytes inside a block of 100 bytes"},
        {100, "after the end of a block of 100 bytes"},
        {101, "1 byte after the end of a block of 100 bytes"},
        {1100, "1000 bytes after the end of a block of 100 bytes"},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error e = error_at(cases[i].at);
        check_first_line(&e, line("heap overflow", e.p, cases[i].what, ""));
    }
    block.size = 0;
    struct error e = error_at(0);
    check_first_line(&e, line("heap overflow", e.p, "a block of 0 bytes", ""));
}

static void details_and_callers_are_given(void) {
    begin();
    struct error e = error_at(0);
    e.detail = "found by free";
    check_first_line(&e, line(e.cause, e.p, "a block of 100 bytes", ", found by free"));
    e.function = "realloc";
    check_first_line(&e, line(e.cause, e.p, "a block of 100 bytes", ", found by free, in realloc"));
    e.detail = NULL;
    e.caller = (void *)0x123abc;
    check_first_line(
        &e, line(e.cause, e.p, "a block of 100 bytes", ", in realloc called from 0x123abc"));
    e.function = NULL;
    check_first_line(&e, line(e.cause, e.p, "a block of 100 bytes", " called from 0x123abc"));
}

static void without_a_block_the_pointer_is_described(void) {
    begin();
    struct error e = {.cause = "invalid free", .p = &e};
    check_first_line(&e, line("invalid free", &e, "on the stack", ""));
}

/* A simple report has the format of libc. */
static void a_simple_report_is_a_line(void) {
    settings.check_action |= CHECK_SIMPLE;
    struct error e = error_at(0);
    e.detail = "found by free";
    report_error(&e);
    CHECK(strcmp(reported(), "mallow: heap overflow in free\n") == 0);
    e.function = "realloc";
    report_error(&e);
    CHECK(strcmp(reported(), "mallow: heap overflow in realloc\n") == 0);
}

/* Returns true if a line of the text has this beginning. */
static bool has_line(const char *text, const char *beginning) {
    for (; text != NULL; text = strchr(text, '\n'))
        if (strncmp(text += *text == '\n', beginning, strlen(beginning)) == 0) return true;
    return false;
}

static void stacks_are_shown(void) {
    static struct stack_cache *cache;
    char allocated[64], freed[64];
    begin();
    settings.frames = 2;
    block.allocated = block.freed = stack_capture(&cache);
    block.allocated_by = os_thread_id();
    block.freed_by = 1 << 30; /* a thread that has ended */
    struct error e = error_at(0);
    report_error(&e);
    const char *text = reported();
    snprintf(allocated, sizeof allocated, "  allocated by thread %d \"reporting\":\n    #0 0x",
             os_thread_id());
    snprintf(freed, sizeof freed, "  freed by thread %d:\n    #0 0x", 1 << 30);
    CHECK(has_line(text, allocated) && has_line(text, freed));
    CHECK_EQUAL(count_occurrences(text, "    #0 0x"), 3);
    CHECK(count_occurrences(text, "    #1 0x") >= 2);
    CHECK(count_occurrences(text, "    #2 0x") <= 1); /* only in the stack of the error */
    CHECK(strstr(text, "unit_report+0x") != NULL);
    block.allocated = 0;
    report_error(&e);
    text = reported();
    CHECK(!has_line(text, "  allocated by") && has_line(text, freed));
}

static void bytes_around_are_shown(void) {
    char middle[100], behind[100];
    settings.check = CHECK_FULL;
    block.exact = true;
    for (int i = 0; i < 256; i++) memory[1024 + i] = (char)i;
    struct error e = error_at(0x25);
    snprintf(middle, sizeof middle, "  > %p: 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f\n",
             (void *)(memory + 1056));
    snprintf(behind, sizeof behind, "    %p: 40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f\n",
             (void *)(memory + 1088));
    report_error(&e);
    const char *text = reported();
    CHECK(has_line(text, middle) && has_line(text, behind));
    CHECK_EQUAL(count_occurrences(text, ": "), 1 + 5); /* and the one in the first line */
    settings.check = CHECK_HARD;
    report_error(&e);
    CHECK(!has_line(reported(), middle));
}

static void unreadable_bytes_are_left_out(void) {
    settings.check = CHECK_FULL;
    char *pages = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_EQUAL(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    struct block_info last = {.life = LIFE_LIVE, .start = pages + 4000, .size = 96, .exact = true};
    struct error e = {.cause = "heap overflow", .p = pages + 4096, .block = &last};
    report_error(&e);
    const char *text = reported();
    CHECK_EQUAL(count_occurrences(text, ": 00 00"), 2);
    CHECK(!has_line(text, "  > "));
}

/* ---- after the report ---- */

static void nothing_is_reported_unless_requested(void) {
    settings.check_action = 0;
    struct error e = error_at(0);
    report_error(&e);
    misuse_explain(MISUSE_FREE, memory, NULL);
    check_reported("");
}

static void the_action_decides_if_the_process_ends(void) {
    for (unsigned action = 0; action < 8; action++) {
        pid_t child = start_child();
        if (child == 0) {
            setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
            settings.check_action = (uint8_t)action;
            struct error e = error_at(0);
            report_error(&e);
            _exit(0);
        }
        int status;
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        if ((action & CHECK_ABORT) != 0)
            CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        else
            CHECK_EQUAL(status, 0);
        CHECK_EQUAL(*reported() != '\0', (action & CHECK_REPORT) != 0);
    }
}

static enum block_status handled = STATUS_DISABLED;
static void handle(enum block_status status) { handled = status; }

static void a_handler_gets_the_error_instead(void) {
    handler_set(handle);
    struct error e = error_at(0);
    settings.check_action = CHECK_REPORT | CHECK_ABORT;
    report_error(&e);
    CHECK_EQUAL(handled, STATUS_TAIL);
    e.cause = "double free";
    report_error(&e);
    CHECK_EQUAL(handled, STATUS_FREE);
    check_reported("");
}

/* ---- misuse ---- */

static void check_misuse(enum misuse what, void *p, const char *cause, const char *function) {
    char expected[64];
    misuse_explain(what, p, (void *)0x4711);
    const char *text = reported(), *end = strchr(text, '\n');
    snprintf(expected, sizeof expected, "mallow: %s of %p (", cause, p);
    CHECK(end != NULL && strncmp(text, expected, strlen(expected)) == 0);
    snprintf(expected, sizeof expected, "%s called from 0x4711\n", function);
    CHECK(strncmp(end + 1 - strlen(expected), expected, strlen(expected)) == 0);
}

static void a_misuse_is_named_after_its_pointer(void) {
    char *freed = mallow_malloc(100000), *live = mallow_malloc(100);
    mallow_free(freed);
    check_misuse(MISUSE_FREE, freed, "double free", ")");
    check_misuse(MISUSE_FREE, live + 1, "invalid free", ")");
    check_misuse(MISUSE_FREE, memory, "invalid free", ")");
    check_misuse(MISUSE_REALLOC, freed, "use after free", ", in realloc");
    check_misuse(MISUSE_REALLOC, memory, "invalid free", ", in realloc");
    check_misuse(MISUSE_USABLE_SIZE, freed, "use after free", ", in malloc_usable_size");
    check_misuse(MISUSE_USABLE_SIZE, memory, "invalid pointer", ", in malloc_usable_size");
}

static void checked_blocks_are_described(void) {
    setenv("MALLOW_OPTIONS", "check=full,on_error=report", 1);
    options_read();
    char *freed = mallow_malloc(100), *live = mallow_malloc(100);
    mallow_free(freed);
    misuse_explain(MISUSE_REALLOC, freed, NULL);
    const char *text = reported();
    CHECK(strstr(text, "use after free of") != NULL && strstr(text, "(a block of 100 b") != NULL);
    misuse_explain(MISUSE_REALLOC, live + 8, NULL);
    text = reported();
    CHECK(strstr(text, "invalid free of") != NULL && strstr(text, "(8 bytes inside a b") != NULL);
}

/* A function that a report calls may find an error itself. */
static int errors_within;
static char block_within[64];

long __real_os_read_file(const char *path, char *buffer, size_t bytes);
long __wrap_os_read_file(const char *path, char *buffer, size_t bytes);
long __wrap_os_read_file(const char *path, char *buffer, size_t bytes) {
    if (errors_within > 0 && errors_within-- > 0) {
        report_error(&(struct error){.cause = "heap underflow", .p = block_within});
        misuse_explain(MISUSE_FREE, block_within, NULL);
    }
    return __real_os_read_file(path, buffer, bytes);
}

static void an_error_within_a_report_is_a_line(void) {
    begin();
    errors_within = 1;
    struct error e = error_at(0);
    report_error(&e);
    const char *text = reported();
    CHECK(has_line(text, "mallow: heap overflow of"));
    CHECK(has_line(text, "mallow: heap underflow of"));
    CHECK(has_line(text, "mallow: invalid free of"));
    CHECK(count_occurrences(text, "found during another report") == 2);
    report_error(&e);
    CHECK(count_occurrences(reported(), "mallow: ") == 1);
}

/* The reports of the inner errors find errors too. */
static void endless_errors_within_a_report_end(void) {
    begin();
    errors_within = 1000;
    struct error e = error_at(0);
    report_error(&e);
    CHECK(has_line(reported(), "mallow: heap overflow of"));
}

static void note_abort(int signal) {
    (void)signal;
    const char *text = reported();
    /* The beginning of the report comes first, and then the line about the inner error. */
    _exit(strncmp(text, "mallow: heap overflow of", 24) == 0 &&
                  strstr(text, "mallow: heap underflow of") != NULL
              ? 0
              : 3);
}

static void an_error_within_a_report_ends_the_process(void) {
    begin();
    signal(SIGABRT, note_abort);
    settings.check_action = CHECK_REPORT | CHECK_ABORT;
    errors_within = 1;
    struct error e = error_at(0);
    report_error(&e);
    CHECK(false);
}

/* If the reader of the pipe is gone, nothing is written and no signal is raised. */
static void the_log_needs_no_reader(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    log_use(ends[1]);
    struct error e = error_at(0);
    report_error(&e);
    report_warning("MALLOW_OPTIONS: ", "checked=1", 5, " is not known");
    sigset_t pipe_signal, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigprocmask(SIG_BLOCK, &pipe_signal, NULL);
    raise(SIGPIPE); /* the program's own signal stays pending */
    report_error(&e);
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGPIPE) == 1);
}

/* The thread has its own table of descriptors, with another file at the log's number. */
static void *warn_apart(void *unused) {
    char byte;
    CHECK(os_own_descriptors());
    log_leave_table();
    int other = memfd_create("other", 0);
    CHECK(dup2(other, log_file) == log_file);
    report_warning("MALLOW_OPTIONS: ", "checked=1", 5, " is not known");
    CHECK(pread(log_file, &byte, 1, 0) == 0);
    return unused;
}

static void a_thread_with_descriptors_of_its_own_finds_the_log(void) {
    join_thread(start_thread(warn_apart, NULL));
    CHECK(strcmp(reported(), "mallow: MALLOW_OPTIONS: check is not known\n") == 0);
}

static void warnings_are_a_line(void) {
    report_warning("MALLOW_OPTIONS: ", "checked=1", 5, " is not known");
    CHECK(strcmp(reported(), "mallow: MALLOW_OPTIONS: check is not known\n") == 0);
}

static struct body bodies[] = {
    BODY(distances_from_the_block_are_given),
    BODY(details_and_callers_are_given),
    BODY(without_a_block_the_pointer_is_described),
    BODY(a_simple_report_is_a_line),
    BODY(stacks_are_shown),
    BODY(bytes_around_are_shown),
    BODY(unreadable_bytes_are_left_out),
    BODY(nothing_is_reported_unless_requested),
    BODY(the_action_decides_if_the_process_ends),
    BODY(a_handler_gets_the_error_instead),
    BODY(a_misuse_is_named_after_its_pointer),
    BODY(checked_blocks_are_described),
    BODY(warnings_are_a_line),
    BODY(an_error_within_a_report_is_a_line),
    BODY(endless_errors_within_a_report_end),
    BODY(an_error_within_a_report_ends_the_process),
    BODY(the_log_needs_no_reader),
    BODY(a_thread_with_descriptors_of_its_own_finds_the_log),
};

int main(void) { return run_bodies(bodies); }
