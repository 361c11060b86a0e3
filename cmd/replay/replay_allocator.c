#include "replay/replay_allocator.h"

#include <err.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "launch/alias.h"
#include "launch/preload.h"

static const struct allocator_known {
    const char *name, *libraries[2], *package;
} allocators_known[] = {
    {"mallow", {MALLOW_LIBRARY, NULL}, "mallow"},
    {"glibc", {"", NULL}, "libc6"},
    {"jemalloc", {"libjemalloc.so.2", NULL}, "libjemalloc2"},
    {"mimalloc", {"libmimalloc.so.2", "libmimalloc.so.3"}, "libmimalloc2.0"},
    {"tcmalloc", {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4"}, "libtcmalloc-minimal4"},
};

#define ALLOCATORS_KNOWN (sizeof allocators_known / sizeof allocators_known[0])

/* ---- loading ---- */

/* Returns true if the library defines malloc when it is preloaded. The loader only warns about one
 * that it cannot load. */
static bool allocator_loads(const char *library) {
    char *provider = replay_provider(library), *wanted = xstrdup(library);
    bool loads =
        provider != NULL && (*library == '\0' || strcmp(basename(provider), basename(wanted)) == 0);
    free(provider);
    free(wanted);
    return loads;
}

/* Returns the value of LD_PRELOAD for an allocator, which the caller frees, or NULL. */
static char *allocator_library(const struct allocator_known *known) {
    if (strcmp(known->name, "mallow") == 0) {
        char *path = preload_find_library(MALLOW_LIBRARY), *alias = alias_without(path, " :$");
        free(path);
        if (allocator_loads(alias)) return alias;
        free(alias);
        return NULL;
    }
    for (size_t i = 0; i < 2 && known->libraries[i] != NULL; i++)
        if (allocator_loads(known->libraries[i])) return xstrdup(known->libraries[i]);
    return NULL;
}

static struct replay_allocator *allocators_append(struct replay_allocators *allocators,
                                                  const char *name, char *library) {
    allocators->list = xgrow(allocators->list, allocators->count, sizeof *allocators->list);
    struct replay_allocator *allocator = &allocators->list[allocators->count++];
    *allocator = (struct replay_allocator){.name = xstrdup(name), .library = library};
    return allocator;
}

static const struct allocator_known *allocator_find_known(const char *name) {
    for (size_t i = 0; i < ALLOCATORS_KNOWN; i++)
        if (strcmp(allocators_known[i].name, name) == 0) return &allocators_known[i];
    return NULL;
}

/* Returns the name of a known allocator whose library has that path or name, or the path. */
static const char *allocator_name_of(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    for (size_t i = 0; i < ALLOCATORS_KNOWN; i++)
        for (size_t k = 0; k < 2 && allocators_known[i].libraries[k] != NULL; k++)
            if (strcmp(allocators_known[i].libraries[k], name) == 0)
                return allocators_known[i].name;
    return path;
}

/* Returns the library with that path if it can be preloaded, or NULL. The caller frees it. */
static char *allocator_library_at(const char *path) {
    char *real = realpath(path, NULL);
    if (real == NULL) return NULL;
    char *alias = alias_without(real, " :$");
    free(real);
    if (allocator_loads(alias)) return alias;
    free(alias);
    return NULL;
}

/* ---- lists ---- */

static void allocators_add_one(struct replay_allocators *allocators, const char *name) {
    const struct allocator_known *known = allocator_find_known(name);
    if (known == NULL && strchr(name, '/') == NULL)
        usage_error(
            "--with: there is no allocator '%s': name mallow, glibc, jemalloc, mimalloc, "
            "tcmalloc, or a library with a slash in its path",
            name);
    if (replay_allocators_find(allocators, name) != NULL) return;
    char *library = known != NULL ? allocator_library(known) : allocator_library_at(name);
    if (library == NULL && known != NULL)
        errx(EXIT_OWN_FAILURE,
             "%s cannot be loaded: install the package %s, or leave it out of --with", name,
             known->package);
    if (library == NULL)
        errx(EXIT_OWN_FAILURE,
             "'%s' cannot be preloaded: it must be a shared library that defines malloc", name);
    allocators_append(allocators, name, library);
}

static void allocators_add_all(struct replay_allocators *allocators) {
    for (size_t i = 0; i < ALLOCATORS_KNOWN; i++) {
        char *library = allocator_library(&allocators_known[i]);
        if (library != NULL)
            allocators_append(allocators, allocators_known[i].name, library);
        else
            warnx("%s is left out: to compare with it, install the package %s",
                  allocators_known[i].name, allocators_known[i].package);
    }
}

void replay_allocators_add(struct replay_allocators *allocators, const char *list) {
    if (list == NULL) {
        allocators_add_all(allocators);
        return;
    }
    char *copy = xstrdup(list), *rest = copy, *name;
    while ((name = strsep(&rest, ",")) != NULL)
        if (*name != '\0') allocators_add_one(allocators, name);
    free(copy);
    if (allocators->count == 0) usage_error("--with='%s' names no allocator", list);
}

/* The settings that change how much memory Mallow keeps, and how blocks are mapped. */
static const char allocators_options_auto[] =
    "retain=0;retain=1m;retain=16m;retain=256m;purge_thread=on";

void replay_allocators_add_options(struct replay_allocators *allocators, const char *sets) {
    const struct allocator_known *mallow = &allocators_known[0];
    bool is_auto = strcmp(sets, "auto") == 0;
    char *copy = xstrdup(is_auto ? allocators_options_auto : sets), *rest = copy, *set;
    allocators_add_one(allocators, "mallow");
    while ((set = strsep(&rest, ";")) != NULL) {
        if (*set == '\0') continue;
        if (strchr(set, '=') == NULL)
            usage_error("--options: '%s' is no setting, which is KEY=VALUE; see mallow(7)", set);
        char *name = xasprintf("mallow %s", set);
        allocators_append(allocators, name, allocator_library(mallow))->options = xstrdup(set);
        free(name);
    }
    free(copy);
}

struct replay_allocator *replay_allocators_recorded(struct replay_allocators *allocators,
                                                    const char *path) {
    const char *recorded = allocator_name_of(path);
    struct replay_allocator *allocator = replay_allocators_find(allocators, recorded);
    if (allocator != NULL || *recorded == '\0') return allocator;
    const struct allocator_known *known = allocator_find_known(recorded);
    char *library = known != NULL                   ? allocator_library(known)
                    : strchr(recorded, '/') != NULL ? allocator_library_at(recorded)
                                                    : NULL;
    if (library == NULL) return NULL;
    allocator = allocators_append(allocators, recorded, library);
    allocator->is_added = true;
    return allocator;
}

struct replay_allocator *replay_allocators_find(const struct replay_allocators *allocators,
                                                const char *name) {
    for (size_t i = 0; i < allocators->count; i++)
        if (strcmp(allocators->list[i].name, name) == 0) return &allocators->list[i];
    return NULL;
}

void replay_allocators_free(struct replay_allocators *allocators) {
    for (size_t i = 0; i < allocators->count; i++) {
        struct replay_allocator *allocator = &allocators->list[i];
        replay_results_free(&allocator->results);
        free(allocator->name);
        free(allocator->library);
        free(allocator->options);
    }
    free(allocators->list);
}
