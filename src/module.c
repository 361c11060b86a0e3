#include "module.h"

#include <dlfcn.h>
#include <link.h>

/* glibc since 2.35; the others have none. */
#ifdef DLFO_STRUCT_HAS_EH_DBASE
__attribute__((weak)) int _dl_find_object(void *address, struct dl_find_object *result);

bool module_of(uintptr_t pc, struct module *module) {
    struct dl_find_object found;
    if (_dl_find_object == NULL || _dl_find_object((void *)pc, &found) != 0) return false;
    /* A static program has no link map that tells more. */
    struct link_map *map = found.dlfo_link_map;
    *module = (struct module){map == NULL ? "" : map->l_name, map == NULL ? 0 : map->l_addr};
    return true;
}
#else
bool module_of(uintptr_t pc, struct module *module) {
    (void)pc, (void)module;
    return false;
}
#endif
