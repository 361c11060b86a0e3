/*
 * A fault on a guarded block is reported. Any other fault has the same effect as without Mallow,
 * whichever handlers the program has and whenever it installed them. Each case runs in a child,
 * which must end as its table says.
 */
#include "guard_fault.h"
#include "base/settings.h"
#include "guard/guard.h"
#include "guard_begin.h"
#include "os/os.h"
#include "pages/mapping.h"
#include "processes.h"
#include "report/log.h"
#include "threads.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

static void read_past_end(void) { read_at(alloc_guarded(SIZE) + SIZE + 1000); }
static void write_before(void) {
    settings.guard_left = true;
    write_at(alloc_guarded(SIZE) - 1);
}
static void read_before(void) { read_at(alloc_guarded(4096) - 7); }
static void write_freed(void) {
    char *block = alloc_guarded(SIZE);
    free_guarded(block);
    write_at(block + 5);
}
static void read_freed(void) {
    char *block = alloc_guarded(SIZE);
    free_guarded(block);
    alloc_guarded(SIZE);
    read_at(block);
}
static void read_empty(void) { read_at(alloc_guarded(0)); }
static void read_past_large(void) { read_at(alloc_guarded(1 << 20) + (1 << 20)); }

/* Blocks with a mapping of their own are not guarded, but nothing lies after and before them. */
static char *map_large(void) {
    alloc_guarded(SIZE);
    char *block = mapping_alloc_always(1 << 20, 1);
    CHECK(block != NULL);
    return block;
}
static void write_past_mapping(void) { write_at(map_large() + (1 << 20)); }
static void read_far_past_mapping(void) { read_at(map_large() + (5 << 18) - 1); }
static void write_before_mapping(void) { write_at(map_large() - 1); }
static void write_to_freed_mapping(void) {
    char *block = map_large();
    CHECK(mapping_free(block));
    write_at(block);
}

static void *write_past_end_here(void *unused) {
    write_past_end();
    return unused;
}
static void in_a_thread(void) { run_in_thread(write_past_end_here, NULL); }

static void in_a_child(void) {
    char *block = alloc_guarded(SIZE);
    pid_t child = start_child();
    if (child == 0) {
        guard_after_fork();
        write_at(block + SIZE);
    }
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
    raise(WTERMSIG(status));
}

/* With on_error=report each access is reported once, and the program continues. */
static void continue_after_report(void) {
    settings.check_action = CHECK_REPORT;
    CHECK(guard_begin(2000 * os_page_size()));
    char *block = alloc_guarded(SIZE), *next = alloc_guarded(SIZE);
    write_at(block + SIZE);
    CHECK_EQUAL(block[SIZE], 1);
    free_guarded(block);
    write_at(block);
    write_at(block + 50);
    free_guarded(next);
    for (int i = 0; i < 20000; i++) {
        block = alloc_guarded(SIZE);
        for (int k = 0; k < SIZE; k++) CHECK_EQUAL(block[k], 0);
        free_guarded(block);
    }
    _exit(HANDLED);
}

static const struct fault_case error_cases[] = {
    {"write_past_end", write_past_end, SIGABRT, {"heap overflow of", "write at offset 96"}},
    {"read_past_end", read_past_end, SIGABRT, {"heap overflow of", "read at offset 1096"}},
    {"write_before", write_before, SIGABRT, {"heap underflow of", "write at offset -1"}},
    {"read_before", read_before, SIGABRT, {"heap underflow of", "read at offset -7"}},
    {"write_freed", write_freed, SIGABRT, {"use after free of", "write at offset 5"}},
    {"read_freed", read_freed, SIGABRT, {"use after free of", "read at offset 0"}},
    {"read_empty", read_empty, SIGABRT, {"heap overflow of", "read at offset 0"}},
    {"read_past_large", read_past_large, SIGABRT, {"overflow", "read at offset 1048576"}},
    {"write_past_mapping", write_past_mapping, SIGABRT, {"overflow", "write at offset 1048576"}},
    {"read_far_past_mapping", read_far_past_mapping, SIGABRT, {"overflow", "offset 1310719"}},
    {"write_before_mapping", write_before_mapping, SIGABRT, {"underflow", "write at offset -1"}},
    {"write_to_freed_mapping", write_to_freed_mapping, SIGSEGV, {NULL}},
    {"in_a_thread", in_a_thread, SIGABRT, {"heap overflow of"}},
    {"in_a_child", in_a_child, SIGABRT, {"heap overflow of"}},
    {"continue_after_report", continue_after_report, 0, {"heap overflow of", "use after free of"}},
    {NULL, NULL, 0, {NULL}},
};

static void check_case(const struct fault_case *entry) {
    char text[4096] = {0};
    int status, log = memfd_create("log", 0);
    pid_t child = start_child();
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        log_use(log);
        entry->run();
        _exit(0);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    if (pread(log, text, sizeof text - 1, 0) < 0) check_failed("no log\n");
    bool right = entry->signal == 0 ? WIFEXITED(status) && WEXITSTATUS(status) == HANDLED
                                    : WIFSIGNALED(status) && WTERMSIG(status) == entry->signal;
    for (int i = 0; entry->report[i] != NULL; i++)
        right = right && strstr(text, entry->report[i]) != NULL;
    if (entry->report[0] == NULL) right = right && text[0] == '\0';
    close(log);
    if (!right) check_failed("%s ended with status %#x and \"%s\"\n", entry->name, status, text);
}

int main(void) {
    for (const struct fault_case *entry = error_cases; entry->name != NULL; entry++)
        check_case(entry);
    for (const struct fault_case *entry = handler_cases; entry->name != NULL; entry++)
        check_case(entry);
}
