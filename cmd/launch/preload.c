#include "launch/preload.h"

#include <err.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "launch/alias.h"

static void preload_set_variable(const char *name, const char *value) {
    if (setenv(name, value, 1) != 0) err(EXIT_OWN_FAILURE, "cannot set %s", name);
}

/* Returns the variable's value, or NULL if it is unset or empty. */
static const char *preload_get_variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

void preload_own_path(char path[static PATH_MAX]) {
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (length < 0) err(EXIT_OWN_FAILURE, "cannot read /proc/self/exe");
    path[length] = '\0';
}

/* Returns the directory of the running command. */
static const char *preload_own_directory(char path[static PATH_MAX]) {
    preload_own_path(path);
    *strrchr(path, '/') = '\0';
    return path;
}

/* Returns the absolute path of DIRECTORY/RELATIVE/NAME, which the caller frees, or NULL if there is
 * no such file. */
static char *preload_find_in(const char *directory, const char *relative, const char *name) {
    char *candidate = xasprintf("%s/%s/%s", directory, relative, name);
    char *path = realpath(candidate, NULL);
    free(candidate);
    return path;
}

/* The versioned name is a symbolic link in a build, and a copy of Mallow's files may lack it. */
char *preload_find_library(const char *name) {
    static const char *const relatives[] = {".", MALLOW_LIBDIR_FROM_BINDIR};
    char directory[PATH_MAX], unversioned[64];
    preload_own_directory(directory);
    snprintf(unversioned, sizeof unversioned, "%s", name);
    char *extension = strstr(unversioned, ".so");
    if (extension != NULL) extension[strlen(".so")] = '\0';

    for (size_t i = 0; i < sizeof relatives / sizeof relatives[0]; i++) {
        char *library = preload_find_in(directory, relatives[i], name);
        if (library == NULL) library = preload_find_in(directory, relatives[i], unversioned);
        if (library != NULL) return library;
    }
    errx(EXIT_OWN_FAILURE,
         "%s is neither in %s nor in %s/" MALLOW_LIBDIR_FROM_BINDIR
         ": build or install Mallow again",
         name, directory, directory);
}

void preload_file(const char *path) {
    char *library = alias_without(path, " :$");
    const char *previous = preload_get_variable("LD_PRELOAD");
    char *list = previous == NULL ? xstrdup(library) : xasprintf("%s:%s", library, previous);
    preload_set_variable("LD_PRELOAD", list);
    free(list);
    free(library);
}

void preload_library(const char *name) {
    char *found = preload_find_library(name);
    preload_file(found);
    free(found);
}

/* Sets MALLOW_OPTIONS to the first list followed by the second. */
static void preload_join_options(const char *first, const char *second) {
    bool both = *first != '\0' && *second != '\0';
    char *all = xasprintf("%s%s%s", first, both ? "," : "", second);
    preload_set_variable("MALLOW_OPTIONS", all);
    free(all);
}

static const char *preload_current_options(void) {
    const char *old = preload_get_variable("MALLOW_OPTIONS");
    return old != NULL ? old : "";
}

void preload_add_default(const char *options) {
    preload_join_options(options, preload_current_options());
}

void preload_add_options(const char *options) {
    preload_join_options(preload_current_options(), options);
}

static const char preload_spaces[] = " \t\n\v\f\r";

/* Returns a copy of the text from `start` to `end` without surrounding white space. */
static char *preload_trim(const char *start, const char *end) {
    start += strspn(start, preload_spaces);
    while (end > start && strchr(preload_spaces, end[-1]) != NULL) end--;
    return xstrndup(start, end > start ? (size_t)(end - start) : 0);
}

char *preload_setting(const char *key) {
    char *found = NULL;
    for (const char *at = preload_current_options(); *at != '\0'; at += *at == ',') {
        const char *end = strchrnul(at, ','), *equals = memchr(at, '=', (size_t)(end - at));
        char *name = preload_trim(at, equals != NULL ? equals : end);
        if (equals != NULL && strcmp(name, key) == 0) {
            free(found);
            found = preload_trim(equals + 1, end);
        }
        free(name);
        at = end;
    }
    return found;
}
