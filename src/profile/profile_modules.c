#include "profile/profile_modules.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "os/os.h"
#include "profile/profile_block.h"
#include "profile/profile_maps.h"

#define ID_MAX 64u
#define NOTES_MAX KIB
#define PARTS_MAX 32u

/* ---- the build ID ---- */

struct modules_id {
    uint32_t bytes;
    uint8_t id[ID_MAX];
};

/* Copies memory that may be unmapped at any time. Sandboxes may refuse the first way. */
static bool profile_modules_read(uintptr_t from, void *to, size_t bytes) {
    if (os_read_memory((const void *)from, to, bytes)) return true;
    if (!os_is_readable((const void *)from) || !os_is_readable((const void *)(from + bytes - 1)))
        return false;
    memcpy(to, (const void *)from, bytes);
    return true;
}

static void profile_modules_find_id(const uint8_t *note, size_t left, struct modules_id *id) {
    ElfW(Nhdr) head;
    while (left > sizeof head) {
        memcpy(&head, note, sizeof head);
        size_t name = round_up(head.n_namesz, 4), all = sizeof head + name + head.n_descsz;
        if (name > left || head.n_descsz > left || all > left) return;
        const uint8_t *text = note + sizeof head;
        if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 && memcmp(text, "GNU", 4) == 0 &&
            head.n_descsz <= ID_MAX) {
            id->bytes = head.n_descsz;
            memcpy(id->id, text + name, head.n_descsz);
            return;
        }
        all = min_size(round_up(all, 4), left);
        note += all;
        left -= all;
    }
}

/* Static, because the stack of the thread may be small. */
static UNTOUCHED struct {
    ElfW(Ehdr) head;
    ElfW(Phdr) part[PARTS_MAX];
    uint8_t notes[NOTES_MAX];
} profile_modules_elf;

/* Reads the build ID of the object whose first page is at `start`. */
static void profile_modules_read_id(uintptr_t start, struct modules_id *id) {
    const ElfW(Ehdr) *head = &profile_modules_elf.head;
    const ElfW(Phdr) *part = profile_modules_elf.part;
    uintptr_t bias = start;
    id->bytes = 0;
    if (start == 0 ||
        !profile_modules_read(start, &profile_modules_elf.head, sizeof profile_modules_elf.head) ||
        memcmp(head->e_ident, ELFMAG, SELFMAG) != 0)
        return;
    size_t count = min_size(head->e_phnum, PARTS_MAX);
    if (count == 0 || head->e_phoff > 64 * KIB ||
        !profile_modules_read(start + head->e_phoff, profile_modules_elf.part,
                              count * sizeof *part))
        return;
    for (size_t i = 0; i < count; i++)
        if (part[i].p_type == PT_LOAD && part[i].p_offset == 0) bias = start - part[i].p_vaddr;
    for (size_t i = 0; i < count && id->bytes == 0; i++) {
        size_t bytes = min_size(part[i].p_filesz, NOTES_MAX);
        if (part[i].p_type == PT_NOTE && bytes != 0 &&
            profile_modules_read(bias + part[i].p_vaddr, profile_modules_elf.notes, bytes))
            profile_modules_find_id(profile_modules_elf.notes, bytes, id);
    }
}

/* ---- the mappings ---- */

static uint64_t profile_modules_hash(uint64_t hash, const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    for (; count > 0; count--) hash = (hash ^ *at++) * 0x100000001b3u;
    return hash;
}

struct modules_walk {
    uint64_t hash;       /* of all modules */
    uint64_t first_path; /* hash of the path of the last mapping with offset 0 */
    uintptr_t first;     /* where that mapping starts */
    bool writing;
};

static void profile_modules_write_one(const struct profile_mapping *mapping, uintptr_t first) {
    struct modules_id id;
    size_t records, path = min_size(mapping->path_bytes, PROFILE_BLOCK_RECORD_MAX / 2);
    profile_modules_read_id(first, &id);
    size_t bytes = round_up(sizeof(struct mallow_profile_module) + id.bytes + path, 8);
    char *room = profile_block_room(MALLOW_PROFILE_MODULES, bytes, &records);
    struct mallow_profile_module module = {.start = mapping->start,
                                           .end = mapping->end,
                                           .offset = mapping->offset,
                                           .id_bytes = id.bytes,
                                           .path_bytes = (uint32_t)path};
    memset(room, 0, bytes);
    memcpy(room, &module, sizeof module);
    memcpy(room + sizeof module, id.id, id.bytes);
    memcpy(room + sizeof module + id.bytes, mapping->path, path);
    profile_block_add(bytes);
}

/* Names in brackets other than the kernel's object, such as [vsyscall], are no objects. */
static bool profile_modules_is_module(const struct profile_mapping *mapping) {
    return mapping->executable && (*mapping->path == '/' || strcmp(mapping->path, "[vdso]") == 0);
}

static void profile_modules_visit(void *to, const struct profile_mapping *mapping) {
    struct modules_walk *walk = to;
    uint64_t path = profile_modules_hash(1, mapping->path, mapping->path_bytes);
    if (mapping->offset == 0) {
        walk->first = mapping->start;
        walk->first_path = path;
    }
    if (!profile_modules_is_module(mapping)) return;
    walk->hash =
        profile_modules_hash(walk->hash ^ path, mapping, offsetof(struct profile_mapping, path));
    if (walk->writing)
        profile_modules_write_one(mapping, walk->first_path == path ? walk->first : 0);
}

void profile_modules_write(uint64_t *known) {
    struct modules_walk walk = {.hash = 0x9e3779b97f4a7c15u};
    profile_maps_each(profile_modules_visit, &walk);
    if (walk.hash == *known) return;
    *known = walk.hash;
    walk.writing = true;
    profile_maps_each(profile_modules_visit, &walk);
}
