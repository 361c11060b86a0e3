#include "check/pagemap.h"

#include "os/os.h"
#include "os/os_process.h"

bool pagemap_open(struct pagemap *map) {
    map->fd = os_open_read("/proc/self/pagemap");
    map->open = map->fd >= 0;
    map->first = UINTPTR_MAX;
    return map->open;
}

void pagemap_close(struct pagemap *map) {
    if (map->open) os_close(map->fd);
    map->open = false;
}

bool pagemap_at(struct pagemap *map, uintptr_t address, uint64_t *entry) {
    uintptr_t page = address / os_page_size(), first = page - page % PAGEMAP_WINDOW;
    if (!map->open) return false;
    if (first != map->first) {
        bool read = os_read_at(map->fd, map->entry, sizeof map->entry, first * sizeof *map->entry);
        map->first = read ? first : UINTPTR_MAX;
        if (!read) return false;
    }
    *entry = map->entry[page - first];
    return true;
}
