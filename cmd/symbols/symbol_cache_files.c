#include "symbols/symbol_cache_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"

#define CACHE_MAX ((off_t)256 << 20)

/* ---- the directory ---- */

/* Returns true if the directory exists, perhaps only now, and only this user can write to it. A
 * root that has another user's HOME, as with sudo, does not use it. */
static bool symbol_cache_has_directory(const char *path) {
    struct stat status;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return false;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

char *symbol_cache_path(const char *name) {
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    bool is_set = base != NULL && *base == '/';
    if (!is_set && (home == NULL || *home != '/')) return NULL;
    char *parent = is_set ? xstrdup(base) : xasprintf("%s/.cache", home);
    char *directory = xasprintf("%s/mallow", parent);
    char *path = NULL;
    if (symbol_cache_has_directory(parent) && symbol_cache_has_directory(directory))
        path = xasprintf("%s/%s", directory, name);
    free(directory);
    free(parent);
    return path;
}

/* ---- files ---- */

char *symbol_cache_load(const char *path, size_t max, size_t *count) {
    struct stat file;
    char *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0) return NULL;
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && (size_t)file.st_size <= max) {
        text = xcalloc((size_t)file.st_size + 1, 1);
        ssize_t n = pread(fd, text, (size_t)file.st_size, 0);
        *count = n < 0 ? 0 : strnlen(text, (size_t)n);
        text[*count] = '\0';
    }
    close(fd);
    return text;
}

/* ---- old files ---- */

struct symbol_cache_file {
    char *name;
    off_t size;
    time_t written;
};

static int symbol_cache_compare_age(const void *a, const void *b) {
    const struct symbol_cache_file *left = a, *right = b;
    return left->written < right->written ? -1 : left->written > right->written;
}

/* Removes the oldest files, until those that are left take half of the maximum. */
static void symbol_cache_remove_oldest(int fd, struct symbol_cache_file *files, size_t count,
                                       off_t sum) {
    if (count > 0) qsort(files, count, sizeof *files, symbol_cache_compare_age);
    for (size_t i = 0; i < count && sum > CACHE_MAX / 2; i++) {
        if (unlinkat(fd, files[i].name, 0) != 0 && errno != ENOENT) return;
        sum -= files[i].size;
    }
}

static void symbol_cache_shrink(const char *path) {
    struct symbol_cache_file *files = NULL;
    size_t count = 0;
    off_t sum = 0;
    DIR *directory = opendir(path);
    int fd = directory == NULL ? -1 : dirfd(directory);
    if (fd < 0) return;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        struct stat status;
        if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        files = xgrow(files, count, sizeof *files);
        files[count++] =
            (struct symbol_cache_file){xstrdup(entry->d_name), status.st_size, status.st_mtime};
        sum += status.st_size;
    }
    if (sum > CACHE_MAX) symbol_cache_remove_oldest(fd, files, count, sum);
    for (size_t i = 0; i < count; i++) free(files[i].name);
    free(files);
    closedir(directory);
}

void symbol_cache_save(const char *path, const char *text) {
    char *temporary = xasprintf("%s.XXXXXX", path);
    size_t length = strlen(text);
    int fd = mkostemp(temporary, O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, length) == (ssize_t)length;
    if (fd >= 0 && close(fd) != 0) written = false;
    if (fd >= 0 && (!written || rename(temporary, path) != 0)) unlink(temporary);
    char *directory = xstrdup(path);
    symbol_cache_shrink(dirname(directory));
    free(directory);
    free(temporary);
}
