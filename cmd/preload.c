#include "preload.h"

#include <err.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

static void set_variable(const char *name, const char *value) {
    if (setenv(name, value, 1) != 0) err(EXIT_OWN_FAILURE, "cannot set %s", name);
}

/* The variable's value, or NULL when it is unset or empty. */
static const char *get_variable(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

void preload_own_path(char path[static PATH_MAX]) {
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (length < 0) err(EXIT_OWN_FAILURE, "cannot read /proc/self/exe");
    path[length] = '\0';
}

/* The directory of the running command. */
static const char *own_directory(char path[static PATH_MAX]) {
    preload_own_path(path);
    *strrchr(path, '/') = '\0';
    return path;
}

/* The absolute path of the library of that name, allocated. */
static char *find_library(const char *name) {
    static const char *const places[] = {".", MALLOW_LIBDIR_FROM_BINDIR};
    char directory[PATH_MAX];
    own_directory(directory);

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char *candidate;
        if (asprintf(&candidate, "%s/%s/%s", directory, places[i], name) < 0)
            err(EXIT_OWN_FAILURE, NULL);
        char *library = realpath(candidate, NULL);
        free(candidate);
        if (library != NULL) return library;
    }
    errx(EXIT_OWN_FAILURE,
         "%s is neither in %s nor in %s/" MALLOW_LIBDIR_FROM_BINDIR
         ": build or install Mallow again",
         name, directory, directory);
}

void preload_library(const char *name) {
    char *library = find_library(name);
    const char *others = get_variable("LD_PRELOAD");
    char *list = library;

    if (strpbrk(library, " :") != NULL)
        errx(EXIT_OWN_FAILURE,
             "'%s' cannot be preloaded: LD_PRELOAD knows no path with a space or a colon;"
             " move Mallow elsewhere",
             library);
    if (others != NULL && asprintf(&list, "%s:%s", library, others) < 0)
        err(EXIT_OWN_FAILURE, NULL);
    set_variable("LD_PRELOAD", list);
    if (list != library) free(list);
    free(library);
}

/* Sets MALLOW_OPTIONS to the two lists. */
static void join_options(const char *first, const char *second) {
    bool both = *first != '\0' && *second != '\0';
    char *all;
    if (asprintf(&all, "%s%s%s", first, both ? "," : "", second) < 0) err(EXIT_OWN_FAILURE, NULL);
    set_variable("MALLOW_OPTIONS", all);
    free(all);
}

static const char *old_options(void) {
    const char *old = get_variable("MALLOW_OPTIONS");
    return old != NULL ? old : "";
}

void preload_add_default(const char *options) { join_options(options, old_options()); }

void preload_add_options(const char *options) { join_options(old_options(), options); }
