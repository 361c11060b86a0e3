#include "launch/alias.h"

#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/command.h"
#include "common/path.h"
#include "common/xalloc.h"

/* Creates the directory if it does not exist. Every user may read it, because the program may
 * change its user, but only the owner may write to it. */
static void alias_require_directory(const char *directory) {
    struct stat status;
    if (mkdir(directory, 0755) != 0 && errno != EEXIST)
        err(EXIT_OWN_FAILURE, "cannot create the directory %s", directory);
    if (lstat(directory, &status) != 0) err(EXIT_OWN_FAILURE, "%s", directory);
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() ||
        (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        errx(EXIT_OWN_FAILURE, "%s is not a directory that only this user can write to: remove it",
             directory);
}

/* FNV-1a */
static uint64_t alias_hash(const char *text, size_t length) {
    uint64_t value = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++) value = (value ^ (unsigned char)text[i]) * 0x100000001b3u;
    return value;
}

/* The link's name is a hash of its target, so all runs of one installation share the link. */
char *alias_without(const char *path, const char *characters) {
    const char *name = strrchr(path, '/');
    char directory[64], link[128];
    if (strpbrk(path, characters) == NULL) return xstrdup(path);
    char *target = xstrndup(path, (size_t)(name - path));
    snprintf(directory, sizeof directory, "/tmp/mallow-%u", (unsigned)geteuid());
    alias_require_directory(directory);
    snprintf(link, sizeof link, "%s/%016llx", directory,
             (unsigned long long)alias_hash(target, strlen(target)));
    if (symlink(target, link) != 0 && !path_is_link_to(link, target))
        err(EXIT_OWN_FAILURE, "cannot create the symbolic link %s", link);
    free(target);
    return xasprintf("%s%s", link, name);
}
