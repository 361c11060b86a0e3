#include "common/path.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool path_is_same_file(const char *path, const char *other) {
    struct stat a, b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

bool path_is_link_to(const char *link, const char *target) {
    char actual[PATH_MAX];
    ssize_t length = readlink(link, actual, sizeof actual);
    return length > 0 && (size_t)length == strlen(target) &&
           memcmp(actual, target, (size_t)length) == 0;
}
