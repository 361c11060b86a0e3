/* seteuid changes the user of every thread, including the library's own: libc sends each thread a
 * signal for that, and no thread may block it. */
#include "check.h"

#include <dirent.h>
#include <string.h>

enum { NOBODY = 65534 };

static void check_thread(const char *thread) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%.20s/status", thread);
    FILE *status = fopen(path, "re");
    CHECK(status != NULL);
    int user = -1;
    while (fgets(line, sizeof line, status) != NULL) sscanf(line, "Uid: %*d %d", &user);
    fclose(status);
    CHECK_EQUAL(user, NOBODY);
}

int main(void) {
    if (geteuid() != 0) skip("only root can change its user");
    CHECK_EQUAL(seteuid(NOBODY), 0);
    DIR *threads = opendir("/proc/self/task");
    CHECK(threads != NULL);
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;)
        if (entry->d_name[0] != '.') check_thread(entry->d_name);
    closedir(threads);
}
