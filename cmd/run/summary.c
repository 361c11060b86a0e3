#include "run/summary.h"

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "launch/preload.h"
#include "proc/proc.h"
#include "process/summary_text.h"

static struct {
    bool enabled;
    struct mallow_call_file *file; /* NULL: the program itself prints the summary, if it can */
    int fd;
    char path[64]; /* by which the program finds the page */
} summary_shared;

/* ---- the page ---- */

/* A file beyond the size limit, even one in memory, would cause a SIGXFSZ. */
static bool summary_may_create_file(size_t bytes) {
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur >= bytes;
}

static int summary_sealed_file(size_t bytes) {
    int fd = memfd_create("mallow-calls", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
        err(EXIT_OWN_FAILURE, "cannot create a file in memory");
    /* No process can truncate the file while it is mapped. */
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    return fd;
}

/* The program opens the page through the command's /proc/PID/fd, so it can find the page again
 * after it has executed another program. */
void summary_prepare(void) {
    char own_number[32] = "";
    summary_shared.enabled = true;
    if (!summary_may_create_file(sizeof *summary_shared.file)) return;
    /* /proc may belong to another PID namespace, in which this process has another ID. */
    if (readlink("/proc/self", own_number, sizeof own_number - 1) < 0)
        err(EXIT_OWN_FAILURE, "cannot read /proc/self");
    summary_shared.fd = summary_sealed_file(sizeof *summary_shared.file);
    summary_shared.file = mmap(NULL, sizeof *summary_shared.file, PROT_READ | PROT_WRITE,
                               MAP_SHARED, summary_shared.fd, 0);
    if (summary_shared.file == MAP_FAILED) err(EXIT_OWN_FAILURE, "cannot map a file in memory");
    summary_shared.file->page.magic = MALLOW_CALL_PAGE_MAGIC;
    summary_shared.file->page.version = MALLOW_CALL_PAGE_VERSION;
    summary_shared.file->page.size = sizeof *summary_shared.file;
    snprintf(summary_shared.path, sizeof summary_shared.path, "/proc/%s/fd/%d", own_number,
             summary_shared.fd);
}

void summary_announce(void) {
    char options[192];
    if (!summary_shared.enabled) return;
    snprintf(options, sizeof options, "stats=exit,stats_pid=%d%s%s", (int)getpid(),
             summary_shared.file != NULL ? ",stats_page=" : "", summary_shared.path);
    preload_add_options(options);
    if (summary_shared.file != NULL) summary_shared.file->page.pid = (uint32_t)getpid();
}

void summary_retract(void) {
    if (summary_shared.file != NULL) summary_shared.file->page.pid = 0;
}

/* ---- the destination ---- */

static void summary_write(void *file, const char *bytes, size_t count) {
    fwrite(bytes, 1, count, file);
}

/* Expands the path as the library does: %p is the program's process ID, %% is %. */
static char *summary_expand_path(const char *path, pid_t process) {
    char *expanded;
    size_t length;
    FILE *text = xopen_memstream(&expanded, &length);
    for (; *path != '\0'; path++) {
        if (path[0] == '%' && path[1] == 'p')
            fprintf(text, "%d", (int)process);
        else
            fputc(*path, text);
        if (path[0] == '%' && (path[1] == 'p' || path[1] == '%')) path++;
    }
    xclose_memstream(text);
    return expanded;
}

/* Opens the log that the settings name, or returns standard error. */
static FILE *summary_open_log(pid_t process) {
    char *setting = preload_setting("log");
    if (setting == NULL) return stderr;
    char *path = summary_expand_path(setting, process);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "a");
    if (file == NULL) warn("%s", path);
    free(path);
    free(setting);
    return file != NULL ? file : stderr;
}

static bool summary_wants_json(void) {
    char *format = preload_setting("stats_format");
    bool json = format != NULL && strcmp(format, "json") == 0;
    free(format);
    return json;
}

/* ---- the summary ---- */

/* The program can write to the page, so its content is not trusted. */
static struct mallow_call_page summary_read_page(const struct child_end *end) {
    struct mallow_call_page page;
    mallow_call_file_sum(summary_shared.file, &page);
    page.pid = (uint32_t)end->process;
    if (page.row_count > MALLOW_STATS_CLASSES + 1) page.row_count = 0;
    if (page.programs == 0) memcpy(page.program, end->name, sizeof page.program);
    return page;
}

static const char *summary_new_name(const struct mallow_call_page *page,
                                    const struct child_end *end) {
    bool same = strncmp(page->program, end->name, sizeof page->program) == 0;
    return same || *end->name == '\0' ? NULL : end->name;
}

static const char *summary_why_cut_short(const struct child_end *end) {
    return WIFSIGNALED(end->status) ? "a signal ended it" : "it did not end by exit()";
}

#define CHILD_TRIES 200

/* The parent of a daemon ends as soon as it has forked, perhaps before the child has run. */
static uint32_t summary_last_child(void) {
    static const struct timespec pause = {.tv_nsec = 10000000};
    uint32_t child = UINT32_MAX;
    for (int i = 0; i < CHILD_TRIES && child == UINT32_MAX; i++) {
        if (i > 0) nanosleep(&pause, NULL);
        child = __atomic_load_n(&summary_shared.file->page.last_child, __ATOMIC_ACQUIRE);
    }
    return child == UINT32_MAX ? 0 : child;
}

/* The process ID may have been reused, so the environment must show that the process descends from
 * the program. */
static bool summary_is_running(uint32_t process, const struct child_end *end) {
    char ours[32], *variables = NULL;
    size_t room = 0;
    bool found = false;
    if (process == 0) return false;
    snprintf(ours, sizeof ours, "stats_pid=%d,", (int)end->process);
    FILE *environment = proc_open((pid_t)process, "environ");
    while (environment != NULL && !found && getdelim(&variables, &room, '\0', environment) > 0)
        found = strncmp(variables, "MALLOW_OPTIONS=", 15) == 0 && strstr(variables, ours) != NULL;
    if (environment != NULL) fclose(environment);
    free(variables);
    return found;
}

void summary_print(const struct child_end *end) {
    static char buffer[4096];
    if (summary_shared.file == NULL || summary_shared.file->page.pid == 0) return;
    uint32_t child = summary_last_child();
    struct mallow_call_page page = summary_read_page(end);
    FILE *file = summary_open_log(end->process);
    struct text t = {.buffer = buffer, .size = sizeof buffer, .sink = summary_write, .to = file};
    bool resident_known = page.resident_peak_bytes != 0;
    struct summary summary = {
        .page = &page,
        .resident_bytes = page.resident_bytes,
        .resident_peak_bytes =
            resident_known ? page.resident_peak_bytes : (uint64_t)end->usage.ru_maxrss * 1024,
        .peak_of_children = !resident_known && end->waited_for_child,
        .cut_short = resident_known ? NULL : summary_why_cut_short(end),
        .missing = page.programs != 0
                       ? summary_other_heap(&page)
                       : "Mallow did not start in the program or could not share its counts",
        .ended_as = page.programs != 0 ? summary_new_name(&page, end) : NULL,
        .still_running = summary_is_running(child, end) ? child : 0,
    };
    (summary_wants_json() ? summary_add_json : summary_add_text)(&t, &summary);
    text_flush(&t);
    fflush(file);
}
