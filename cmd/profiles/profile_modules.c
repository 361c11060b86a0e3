/* The modules of a section: which file was mapped at an address. */
#include <string.h>

#include "common/printable.h"
#include "common/xalloc.h"
#include "profiles/profile.h"
#include "profiles/profile_records.h"

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

uint32_t profile_section_module_of(const struct profile_section *section, size_t node) {
    uint32_t module = section->nodes[node].module;
    return module != 0 ? module : profile_section_module_at(section, section->nodes[node].pc - 1);
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

#define MODULE_PATH_MAX 4096

/* The path of the previous record of the block. */
struct profile_modules_path {
    char text[MODULE_PATH_MAX];
    size_t count;
};

/* Returns false if the path is longer than any. */
static bool profile_modules_extend(struct profile_modules_path *path, uint64_t shared,
                                   const unsigned char *bytes, uint64_t count) {
    if (shared > path->count || shared > MALLOW_PROFILE_SHARED_MAX) return false;
    if (count > sizeof path->text - shared) return false;
    memcpy(path->text + shared, bytes, count);
    path->count = shared + count;
    return true;
}

/* Reads a record, given the end of the previous one. */
static bool profile_modules_next(struct profile_cursor *cursor, uint64_t end,
                                 struct profile_modules_path *path, struct profile_module *module) {
    module->start = profile_next_value(cursor, end);
    module->end = module->start + profile_next_number(cursor);
    module->offset = profile_next_number(cursor);
    uint64_t id_bytes = profile_next_number(cursor);
    uint64_t shared = profile_next_number(cursor), rest = profile_next_number(cursor);
    module->id = profile_next_bytes(cursor, id_bytes);
    module->id_bytes = id_bytes;
    const unsigned char *text = profile_next_bytes(cursor, rest);
    return !cursor->failed && module->start < module->end &&
           profile_modules_extend(path, shared, text, rest);
}

bool profile_section_add_modules(struct profile_section *section,
                                 const struct profile_block *block) {
    struct profile_cursor cursor = profile_cursor_of(block);
    struct profile_modules_path path = {.count = 0};
    struct profile_module module = {.end = 0};
    while (profile_has_more(&cursor)) {
        if (!profile_modules_next(&cursor, module.end, &path, &module)) return false;
        module.path = xstrndup(path.text, path.count);
        make_printable(module.path, strlen(module.path), "");
        section->modules = xgrow(section->modules, section->module_count, sizeof *section->modules);
        section->modules[section->module_count] = module;
        if (!profile_modules_map(section, (uint32_t)section->module_count++)) return false;
    }
    return true;
}
