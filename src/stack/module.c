#include "stack/module.h"

#include <dlfcn.h>

#ifdef DLFO_STRUCT_HAS_EH_DBASE /* <dlfcn.h> declares _dl_find_object */
__attribute__((weak)) int _dl_find_object(void *address, struct dl_find_object *result);

bool module_can_be_told(void) { return _dl_find_object != NULL; }

bool module_of(uintptr_t address, struct module *module) {
    struct dl_find_object found;
    if (_dl_find_object == NULL || _dl_find_object((void *)address, &found) != 0) return false;
    *module = (struct module){(uintptr_t)found.dlfo_map_start, (uintptr_t)found.dlfo_map_end,
                              found.dlfo_eh_frame, found.dlfo_link_map};
    return true;
}
#else
bool module_can_be_told(void) { return false; }

bool module_of(uintptr_t address, struct module *module) {
    (void)address, (void)module;
    return false;
}
#endif
