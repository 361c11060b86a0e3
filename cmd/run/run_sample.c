#include "run/run_sample.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "launch/preload.h"
#include "mallow_profile.h"

#define RATE_DEFAULT "512k"

static struct {
    const char *rate; /* NULL: no samples */
    const char *file; /* NULL: PROGRAM.PID.mallow */
    const char *program;
} run_sample;

static bool run_sample_is_amount(const char *text) {
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (*end != '\0' && strchr("kmg", *end) != NULL) end++;
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && number != 0;
}

void run_sample_set_rate(const char *rate) {
    if (rate == NULL) rate = RATE_DEFAULT;
    if (!run_sample_is_amount(rate))
        usage_error("--sample='%s' is not a number of bytes, optionally followed by k, m or g",
                    rate);
    run_sample.rate = rate;
}

void run_sample_set_file(const char *file) {
    if (*file == '\0' || strchr(file, ',') != NULL)
        usage_error("-o '%s': the name of a profile must not be empty or contain a comma", file);
    run_sample.file = file;
}

/* ---- the names ---- */

/* Returns an absolute path, because the program may change its directory before the library opens
 * the file. The caller frees it. */
static char *run_sample_absolute(const char *file) {
    if (*file == '/') return xstrdup(file);
    /* NOLINTNEXTLINE(clang-analyzer-unix.StdCLibraryFunctions): glibc allocates for NULL */
    char *directory = getcwd(NULL, 0);
    if (directory == NULL) err(EXIT_OWN_FAILURE, "cannot determine the working directory");
    char *path = xasprintf("%s/%s", directory, file);
    free(directory);
    return path;
}

static char *run_sample_path(pid_t process) {
    if (run_sample.file != NULL) return run_sample_absolute(run_sample.file);
    const char *slash = strrchr(run_sample.program, '/');
    char *name =
        xasprintf("%s.%d.mallow", slash == NULL ? run_sample.program : slash + 1, (int)process);
    for (char *at = name; *at != '\0'; at++)
        if (*at == ',') *at = '_';
    char *path = run_sample_absolute(name);
    free(name);
    return path;
}

/* ---- earlier profiles ---- */

enum run_sample_content { NO_FILE, PROFILE_FILE, OTHER_FILE };

/* The other text is that of the first version of the format. */
static bool run_sample_is_magic(const uint8_t *magic) {
    return memcmp(magic, MALLOW_PROFILE_MAGIC, 4) == 0 || memcmp(magic, "PROF", 4) == 0;
}

static enum run_sample_content run_sample_content_of(const char *path) {
    struct mallow_profile_block head = {0};
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? NO_FILE : OTHER_FILE;
    bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    ssize_t n = regular ? read(fd, &head, sizeof head) : -1;
    close(fd);
    bool ours = n == 0 || (n == sizeof head && run_sample_is_magic(head.magic));
    return ours ? PROFILE_FILE : OTHER_FILE;
}

/* Returns true for FILE.PID. */
static bool run_sample_is_of_child(const char *name, const char *base) {
    size_t length = strlen(base);
    if (strncmp(name, base, length) != 0 || name[length] != '.') return false;
    const char *digits = name + length + 1;
    return *digits != '\0' && strspn(digits, "0123456789") == strlen(digits);
}

/* Calls `call` for each FILE.PID that is a profile. Returns their number. */
static unsigned run_sample_each_child(const char *path, int (*call)(const char *)) {
    char *directory = xstrdup(path), *slash = strrchr(directory, '/');
    unsigned count = 0;
    *slash = '\0';
    DIR *list = opendir(*directory == '\0' ? "/" : directory);
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        if (!run_sample_is_of_child(entry->d_name, slash + 1)) continue;
        char *child = xasprintf("%s/%s", directory, entry->d_name);
        if (run_sample_content_of(child) == PROFILE_FILE) {
            count++;
            if (call != NULL) call(child);
        }
        free(child);
    }
    if (list != NULL) closedir(list);
    free(directory);
    return count;
}

void run_sample_prepare(const char *program) {
    run_sample.program = program;
    if (run_sample.rate == NULL) {
        if (run_sample.file != NULL) usage_error("-o needs --sample");
        return;
    }
    char *option = xasprintf("sample=%s", run_sample.rate);
    preload_add_options(option);
    free(option);
    if (run_sample.file == NULL) return;
    char *path = run_sample_absolute(run_sample.file);
    enum run_sample_content content = run_sample_content_of(path);
    if (content == OTHER_FILE)
        errx(EXIT_OWN_FAILURE, "'%s' exists and is not a profile", run_sample.file);
    if (content == PROFILE_FILE && unlink(path) != 0)
        err(EXIT_OWN_FAILURE, "cannot replace '%s'", run_sample.file);
    run_sample_each_child(path, unlink);
    free(path);
}

/* The library expands %p and %%. */
void run_sample_name(void) {
    if (run_sample.rate == NULL) return;
    char *path = run_sample_path(getpid()), *option;
    size_t length;
    FILE *text = xopen_memstream(&option, &length);
    fputs("profile=", text);
    for (const char *at = path; *at != '\0'; at++)
        fputs((char[]){*at, *at == '%' ? '%' : '\0', '\0'}, text);
    xclose_memstream(text);
    preload_add_options(option);
    free(option);
    free(path);
}

void run_sample_announce(pid_t process) {
    if (run_sample.rate == NULL) return;
    char *path = run_sample_path(process);
    unsigned children = run_sample_each_child(path, NULL);
    if (run_sample_content_of(path) != PROFILE_FILE)
        warnx("no profile was written to %s", path);
    else if (children == 0)
        fprintf(stderr, "mallow: the profile is in %s\n", path);
    else
        fprintf(stderr, "mallow: the profile is in %s, and those of %u other process%s in %s.PID\n",
                path, children, children == 1 ? "" : "es", path);
    free(path);
}
