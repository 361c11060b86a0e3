#include "stacks/module_names.h"

#include <err.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "proc/symbol_root.h"
#include "symbols/function_names.h"
#include "symbols/symbol_cache.h"

struct module_names {
    const struct profile_module *module;
    pid_t process;
    struct symbols *symbols; /* NULL until the cache lacks a place */
    char *path;              /* of the file; NULL: there is none, or it has changed */
    struct symbol_cache *cache;
    bool has_changed, was_missed;
};

struct module_names *module_names_open(const struct profile_module *module, pid_t process) {
    struct module_names *names = xcalloc(1, sizeof *names);
    names->module = module;
    names->process = process;
    if (module->id_bytes > 0) names->cache = symbol_cache_open(module->id, module->id_bytes);
    return names;
}

/* Returns true if the file is the one that the program had mapped. Without a build ID, that is not
 * known. */
static bool module_names_is_file(struct module_names *names, const char *path) {
    const struct profile_module *module = names->module;
    if (access(path, R_OK) != 0) return false;
    if (module->id_bytes == 0 || symbols_has_id(names->symbols, path, module->id, module->id_bytes))
        return true;
    names->has_changed = true;
    return false;
}

/* Returns the path, or only its last part, in the directory that the user has chosen. The caller
 * frees it. */
static char *module_names_path_in_root(const char *path) {
    return symbol_root() == NULL ? NULL : xasprintf("%s/%s", symbol_root(), path);
}

/* Prefers the path itself to those in /proc, because separate debug information is found by it. A
 * process can have another root directory, and its files can have been renamed or removed. */
static void module_names_open_file(struct module_names *names) {
    const struct profile_module *module = names->module;
    char *paths[] = {
        module_names_path_in_root(module->path),
        module_names_path_in_root(file_base_name(module->path)),
        xstrdup(module->path),
        xasprintf("/proc/%d/root%s", (int)names->process, module->path),
        xasprintf("/proc/%d/map_files/%lx-%lx", (int)names->process, module->start, module->end),
    };
    size_t count = sizeof paths / sizeof paths[0], of_process = 2;
    names->symbols = symbols_open();
    for (size_t i = 0; i < count - (names->process == 0 ? of_process : 0); i++)
        if (names->path == NULL && paths[i] != NULL && module_names_is_file(names, paths[i]))
            names->path = xstrdup(paths[i]);
    for (size_t i = 0; i < count; i++) free(paths[i]);
}

/* Returns false if there may be debug information that no server of the user has passed this time.
 */
static bool module_names_is_final(const struct symbol_list *list) {
    return getenv("DEBUGINFOD_URLS") == NULL || (list->count > 0 && list->symbol[0].file != NULL);
}

void module_names_find(struct module_names *names, uint64_t place, struct symbol_list *list) {
    list->count = 0;
    if (names->cache != NULL && symbol_cache_find(names->cache, place, list)) return;
    if (names->symbols == NULL) module_names_open_file(names);
    names->was_missed = true;
    if (names->path == NULL) return;
    symbols_find_in_file(names->symbols, names->path, place, list);
    if (names->cache != NULL && module_names_is_final(list))
        symbol_cache_add(names->cache, place, list);
}

void module_names_find_calls(struct module_names *names, uint64_t place,
                             struct symbol_calls *calls) {
    *calls = (struct symbol_calls){.count = 0};
    if (names->symbols == NULL) module_names_open_file(names);
    if (names->path != NULL) symbols_find_calls(names->symbols, names->path, place, calls);
}

void module_names_close(struct module_names *names) {
    if (names->was_missed && names->path == NULL && names->has_changed)
        warnx("%s has changed since the profile was written: its functions are unknown",
              names->module->path);
    if (names->symbols != NULL) symbols_close(names->symbols);
    if (names->cache != NULL) symbol_cache_close(names->cache);
    free(names->path);
    free(names);
}
