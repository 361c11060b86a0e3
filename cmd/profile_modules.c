/* The modules of a section: which file was mapped at an address. */
#include <string.h>

#include "printable.h"
#include "profile.h"
#include "xalloc.h"

/* The kernel allows a process 65,530 mappings by default. A limit keeps the insertion fast. */
#define MAPPED_MAX 65536

/* Returns the position of the first mapped module that ends after the address. */
static size_t profile_modules_position(const struct profile_section *section, uint64_t address) {
    size_t low = 0, high = section->mapped_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (section->modules[section->mapped[middle]].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t profile_section_module_at(const struct profile_section *section, uint64_t address) {
    size_t position = profile_modules_position(section, address);
    if (position == section->mapped_count) return 0;
    uint32_t index = section->mapped[position];
    return section->modules[index].start <= address ? index + 1 : 0;
}

/* Inserts the module in place of those that it overlaps. */
static bool profile_modules_map(struct profile_section *section, uint32_t index) {
    const struct profile_module *module = &section->modules[index];
    size_t first = profile_modules_position(section, module->start), last = first;
    while (last < section->mapped_count &&
           section->modules[section->mapped[last]].start < module->end)
        last++;
    if (section->mapped_count >= MAPPED_MAX) return false;
    section->mapped = xgrow(section->mapped, section->mapped_count, sizeof *section->mapped);
    memmove(section->mapped + first + 1, section->mapped + last,
            (section->mapped_count - last) * sizeof *section->mapped);
    section->mapped[first] = index;
    section->mapped_count = section->mapped_count + 1 - (last - first);
    return true;
}

static char *profile_modules_path(const unsigned char *bytes, size_t count) {
    char *path = xstrndup((const char *)bytes, count);
    make_printable(path, strlen(path), "");
    return path;
}

bool profile_section_add_modules(struct profile_section *section,
                                 const struct profile_block *block) {
    struct mallow_profile_module from;
    for (size_t at = 0; block->count - at >= sizeof from;) {
        memcpy(&from, block->bytes + at, sizeof from);
        size_t left = block->count - at - sizeof from;
        size_t bytes = ((size_t)from.id_bytes + from.path_bytes + 7) & ~(size_t)7;
        if (bytes > left || from.start >= from.end) return false;
        const unsigned char *id = block->bytes + at + sizeof from;
        section->modules = xgrow(section->modules, section->module_count, sizeof *section->modules);
        section->modules[section->module_count] = (struct profile_module){
            .start = from.start,
            .end = from.end,
            .offset = from.offset,
            .path = profile_modules_path(id + from.id_bytes, from.path_bytes),
            .id = id,
            .id_bytes = from.id_bytes};
        if (!profile_modules_map(section, (uint32_t)section->module_count++)) return false;
        at += sizeof from + bytes;
    }
    return true;
}
