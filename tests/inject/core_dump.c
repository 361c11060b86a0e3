/*
 * The core dump of a process contains the memory that it has written, but not the half TiB of
 * address space that is only reserved.
 *     core_dump range|reservation
 */
#include "check.h"
#include "failing_os.h"
#include "mallow.h"
#include "pages/space.h"
#include "processes.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { WRITTEN = 16 << 20, BLOCK = 1000, LARGEST_CORE = 4 * WRITTEN };

static void write_and_die(bool reserved) {
    struct rlimit limit;
    CHECK_EQUAL(getrlimit(RLIMIT_CORE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK_EQUAL(setrlimit(RLIMIT_CORE, &limit), 0);
    prctl(PR_SET_DUMPABLE, 1);
    if (reserved) os_fail(OS_EXTEND, 1, LONG_MAX);
    for (size_t bytes = 0; bytes < WRITTEN; bytes += BLOCK) {
        void *block = mallow_malloc(BLOCK);
        CHECK(block != NULL);
        memset(block, 1, BLOCK);
    }
    CHECK(space.block_part.by == (reserved ? GROW_COMMITTED : GROW_MAPPED));
    abort();
}

/* Removes the file whose name begins with "core". Returns its size, or 0 if there is none. */
static size_t take_core(void) {
    size_t bytes = 0;
    DIR *here = opendir(".");
    CHECK(here != NULL);
    for (struct dirent *entry; (entry = readdir(here)) != NULL;) {
        struct stat file;
        if (strncmp(entry->d_name, "core", 4) != 0 || stat(entry->d_name, &file) != 0) continue;
        bytes = (size_t)file.st_size;
        unlink(entry->d_name);
    }
    closedir(here);
    return bytes;
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 2);
    char directory[] = "/tmp/mallow-core-XXXXXX";
    CHECK(mkdtemp(directory) != NULL);
    CHECK_EQUAL(chdir(directory), 0);
    pid_t child = start_child();
    if (child == 0) write_and_die(strcmp(argv[1], "reservation") == 0);
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    size_t bytes = take_core();
    CHECK_EQUAL(rmdir(directory), 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    if (bytes == 0) skip("core dumps are not written to the current directory");
    CHECK(bytes >= WRITTEN && bytes <= LARGEST_CORE);
}
