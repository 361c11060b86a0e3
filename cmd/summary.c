#include "summary.h"

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

#include "command.h"
#include "preload.h"
#include "proc.h"
#include "process/summary_text.h"
#include "xalloc.h"

static struct {
    bool wanted;
    struct mallow_call_page *page; /* NULL: the program prints the summary, if it can */
    int fd;
    char path[64]; /* under which the program finds it */
} shared;

/* ---- the page ---- */

/* A file that would be too large is answered by a signal, also in memory. */
static bool may_have_file(size_t bytes) {
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur >= bytes;
}

static int sealed_file(size_t bytes) {
    int fd = memfd_create("mallow-calls", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0) err(EXIT_OWN_FAILURE, "cannot make a file");
    /* Nobody can take its memory away while it is mapped. */
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    return fd;
}

/* The program opens the page by way of the command's descriptors: so it finds the page again when
 * it has executed another program. */
void summary_prepare(void) {
    char own_number[32] = "";
    shared.wanted = true;
    if (!may_have_file(sizeof *shared.page)) return;
    /* /proc may be that of another PID namespace, so it is /proc that is asked. */
    if (readlink("/proc/self", own_number, sizeof own_number - 1) < 0)
        err(EXIT_OWN_FAILURE, "cannot read /proc/self");
    shared.fd = sealed_file(sizeof *shared.page);
    shared.page = mmap(NULL, sizeof *shared.page, PROT_READ | PROT_WRITE, MAP_SHARED, shared.fd, 0);
    if (shared.page == MAP_FAILED) err(EXIT_OWN_FAILURE, "cannot map a file");
    shared.page->magic = MALLOW_CALL_PAGE_MAGIC;
    shared.page->version = MALLOW_CALL_PAGE_VERSION;
    shared.page->size = sizeof *shared.page;
    snprintf(shared.path, sizeof shared.path, "/proc/%s/fd/%d", own_number, shared.fd);
}

void summary_offer(void) {
    char options[192];
    if (!shared.wanted) return;
    snprintf(options, sizeof options, "stats=exit,stats_pid=%d%s%s", (int)getpid(),
             shared.page != NULL ? ",stats_page=" : "", shared.path);
    preload_add_options(options);
    if (shared.page != NULL) shared.page->pid = (uint32_t)getpid();
}

void summary_withdraw(void) {
    if (shared.page != NULL) shared.page->pid = 0;
}

/* ---- where it goes ---- */

static void to_file(void *file, const char *bytes, size_t count) { fwrite(bytes, 1, count, file); }

/* As the library does: %p is the number of the program's process, %% is one %. */
static char *expand(const char *path, pid_t process) {
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

/* The log that the settings name, else standard error. */
static FILE *open_log(pid_t process) {
    char *setting = preload_setting("log");
    if (setting == NULL) return stderr;
    char *path = expand(setting, process);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "a");
    if (file == NULL) warn("%s", path);
    free(path);
    free(setting);
    return file != NULL ? file : stderr;
}

static bool wants_json(void) {
    char *format = preload_setting("stats_format");
    bool json = format != NULL && strcmp(format, "json") == 0;
    free(format);
    return json;
}

/* ---- the summary ---- */

/* The program has the page too, and may have written anything. */
static struct mallow_call_page read_page(const struct child_end *end) {
    struct mallow_call_page page = *shared.page;
    page.pid = (uint32_t)end->process;
    if (page.row_count > MALLOW_STATS_CLASSES + 1) page.row_count = 0;
    if (page.programs == 0) memcpy(page.program, end->name, sizeof page.program);
    return page;
}

static const char *other_name(const struct mallow_call_page *page, const struct child_end *end) {
    bool same = strncmp(page->program, end->name, sizeof page->program) == 0;
    return same || *end->name == '\0' ? NULL : end->name;
}

static const char *why_cut_short(const struct child_end *end) {
    return WIFSIGNALED(end->status) ? "a signal ended it" : "it did not end by exit()";
}

#define CHILD_TRIES 200

/* A daemon's parent ends as soon as it has forked. */
static uint32_t last_child(void) {
    static const struct timespec pause = {.tv_nsec = 10000000};
    uint32_t child = UINT32_MAX;
    for (int i = 0; i < CHILD_TRIES && child == UINT32_MAX; i++) {
        if (i > 0) nanosleep(&pause, NULL);
        child = __atomic_load_n(&shared.page->last_child, __ATOMIC_ACQUIRE);
    }
    return child == UINT32_MAX ? 0 : child;
}

/* The environment shows that the process descends from ours: its number may be another's by now. */
static bool goes_on(uint32_t process, const struct child_end *end) {
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
    if (shared.page == NULL || shared.page->pid == 0) return;
    uint32_t child = last_child();
    struct mallow_call_page page = read_page(end);
    FILE *file = open_log(end->process);
    struct text t = {.buffer = buffer, .size = sizeof buffer, .sink = to_file, .to = file};
    bool resident_known = page.resident_peak_bytes != 0;
    struct summary summary = {
        .page = &page,
        .resident_bytes = page.resident_bytes,
        .resident_peak_bytes =
            resident_known ? page.resident_peak_bytes : (uint64_t)end->usage.ru_maxrss * 1024,
        .peak_of_children = !resident_known && end->waited,
        .cut_short = resident_known ? NULL : why_cut_short(end),
        .missing = page.programs != 0 ? summary_other_heap(&page)
                                      : "Mallow did not start in it, or could not share them",
        .ended_as = page.programs != 0 ? other_name(&page, end) : NULL,
        .goes_on = goes_on(child, end) ? child : 0,
    };
    (wants_json() ? summary_add_json : summary_add_text)(&t, &summary);
    text_flush(&t);
    fflush(file);
}
