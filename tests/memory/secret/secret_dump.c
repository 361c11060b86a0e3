/* A core dump contains no secret, and contains ordinary memory. */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "kinds.h"
#include "marker.h"

enum { SECRET, CONTROL };

static void keep_secrets_and_abort(void) {
    struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_CORE, &unlimited) != 0) {
        getrlimit(RLIMIT_CORE, &unlimited);
        unlimited.rlim_cur = unlimited.rlim_max;
        setrlimit(RLIMIT_CORE, &unlimited);
    }
    prctl(PR_SET_DUMPABLE, 1);
    int filter = open("/proc/self/coredump_filter", O_WRONLY);
    ssize_t written = write(filter, "0x7f", 4); /* all kinds of memory */
    (void)written;
    char *control = malloc(1000);
    write_marker(control + 500, CONTROL);
    for (int i = 0; i < 500; i++) {
        char *p = mallow_secret_alloc(i % 100 == 3 ? 2 * PAGE : MARKER_BYTES, i % 10 == 0);
        write_marker(p, SECRET);
        if (i % 3 != 0) mallow_secret_close(p, MALLOW_SECRET_WRITE);
    }
    abort();
}

/* Maps the core in the folder. Returns NULL if there is none. */
static char *map_core(const char *folder, size_t *bytes) {
    char *core = NULL;
    char path[512];
    DIR *entries = opendir(folder);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (strncmp(entry->d_name, "core", 4) != 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        int fd = open(path, O_RDONLY);
        struct stat status;
        assert_int_equal(fstat(fd, &status), 0);
        *bytes = (size_t)status.st_size;
        core = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        close(fd);
        unlink(path);
        if (core == MAP_FAILED) core = NULL;
    }
    closedir(entries);
    return core;
}

static void a_core_dump_has_no_secret(void **state) {
    (void)state;
    char folder[] = "/tmp/mallow.core.XXXXXX";
    int status;
    size_t bytes = 0;
    if (HAS_SHADOW) skip(); /* sanitizers turn core dumps off */
    assert_non_null(mkdtemp(folder));
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        if (chdir(folder) == 0) keep_secrets_and_abort();
        _exit(1);
    }
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    char *core = map_core(folder, &bytes);
    rmdir(folder);
    if (core == NULL) skip(); /* the system writes no core, or writes it elsewhere */
    bool has_control = contains_marker(core, bytes, CONTROL);
    bool has_secret = contains_marker(core, bytes, SECRET);
    munmap(core, bytes);
    assert_true(has_control);
    assert_false(has_secret);
}

int main(int argc, char **argv) {
    choose_kind(argc, argv);
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_core_dump_has_no_secret)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
