/* Finds the functions at places in a module of a profile: in the cache, or else in the file. */
#ifndef MALLOW_MODULE_NAMES_H
#define MALLOW_MODULE_NAMES_H

#include <sys/types.h>

#include "profiles/profile.h"
#include "symbols/symbols.h"
#include "symbols/symbols_calls.h"

struct module_names;

/* Opens the module's file if it is the recorded one. `process` is the running process that has
 * mapped it, or 0. */
struct module_names *module_names_open(const struct profile_module *module, pid_t process);

/* Stores the functions of a place in the file. */
void module_names_find(struct module_names *names, uint64_t place, struct symbol_list *list);

/* Stores the calls of the function at a place in the file. */
void module_names_find_calls(struct module_names *names, uint64_t place,
                             struct symbol_calls *calls);

/* Stores the result in the cache. Warns if functions are unknown because the file has changed. */
void module_names_close(struct module_names *names);

#endif
