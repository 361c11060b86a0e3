#include "profile/profile_modules.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "os/os.h"
#include "profile/profile_block.h"
#include "profile/profile_maps.h"
#include "profile/profile_path.h"

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
    struct profile_modules *modules;
    size_t count;        /* modules so far */
    uint64_t first_path; /* hash of the path of the last mapping with offset 0 */
    uintptr_t first;     /* where that mapping starts */
    uintptr_t object;    /* where the object that the mapping is a part of starts; 0: unknown */
};

/* Names in brackets other than the kernel's object, such as [vsyscall], are no objects. */
static bool profile_modules_is_module(const struct profile_mapping *mapping) {
    return mapping->executable && (*mapping->path == '/' || strcmp(mapping->path, "[vdso]") == 0);
}

/* Calls `call` for each module, with its hash. */
static void profile_modules_visit(struct modules_walk *walk, const struct profile_mapping *mapping,
                                  void (*call)(struct modules_walk *,
                                               const struct profile_mapping *, uint64_t)) {
    uint64_t path = profile_modules_hash(1, mapping->path, mapping->path_bytes);
    if (mapping->offset == 0) {
        walk->first = mapping->start;
        walk->first_path = path;
    }
    walk->object = walk->first_path == path ? walk->first : 0;
    if (!profile_modules_is_module(mapping)) return;
    const uint64_t parts[] = {mapping->start, mapping->end, mapping->offset};
    call(walk, mapping, profile_modules_hash(path, parts, sizeof parts));
}

/* ---- what is mapped ---- */

static void profile_modules_list(struct modules_walk *walk, const struct profile_mapping *mapping,
                                 uint64_t hash) {
    if (walk->count == MODULES_MAX) return;
    walk->modules->list[walk->modules->now][walk->count++] =
        (struct profile_module){.start = mapping->start, .end = mapping->end, .hash = hash};
}

static void profile_modules_list_one(void *to, const struct profile_mapping *mapping) {
    profile_modules_visit(to, mapping, profile_modules_list);
}

/* Keeps what was known of the modules that are still mapped. */
static void profile_modules_keep(struct profile_modules *modules) {
    struct profile_module *list = modules->list[modules->now];
    const struct profile_module *before = modules->list[!modules->now];
    const struct profile_module *end = before + modules->count[!modules->now];
    for (size_t i = 0; i < modules->count[modules->now]; i++) {
        while (before < end && before->start < list[i].start) before++;
        if (before < end && before->hash == list[i].hash) list[i] = *before;
    }
}

void profile_modules_look(struct profile_modules *modules) {
    modules->now = !modules->now;
    struct modules_walk walk = {.modules = modules};
    profile_maps_each(profile_modules_list_one, &walk);
    modules->count[modules->now] = walk.count;
    profile_modules_keep(modules);
}

void profile_modules_need(struct profile_modules *modules, uintptr_t pc) {
    struct profile_module *list = modules->list[modules->now];
    size_t low = 0, high = modules->count[modules->now];
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (list[middle].end < pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < modules->count[modules->now] && list[low].start < pc) list[low].needed = true;
}

void profile_modules_forget(struct profile_modules *modules) {
    modules->count[0] = modules->count[1] = 0;
}

/* ---- records ---- */

#define PATH_MAX_BYTES (4 * KIB)

static uint64_t profile_modules_end; /* of the last record of the block, or 0 */
static UNTOUCHED struct profile_path profile_modules_path;

static void profile_modules_add(const struct profile_mapping *mapping,
                                const struct modules_id *id) {
    size_t path = min_size(mapping->path_bytes, PATH_MAX_BYTES);
    if (profile_block_record(MALLOW_PROFILE_MODULES, 6 * PROFILE_NUMBER_MAX + id->bytes + path))
        profile_modules_end = profile_modules_path.bytes = 0;
    size_t shared = profile_path_share(&profile_modules_path, mapping->path, path);
    profile_block_add_difference(mapping->start, profile_modules_end);
    profile_block_add_number(mapping->end - mapping->start);
    profile_block_add_number(mapping->offset);
    profile_block_add_number(id->bytes);
    profile_block_add_number(shared);
    profile_block_add_number(path - shared);
    profile_block_add_bytes(id->id, id->bytes);
    profile_block_add_bytes(mapping->path + shared, path - shared);
    profile_modules_end = mapping->end;
}

/* The mappings may have changed since they were listed. */
static void profile_modules_write_needed(struct modules_walk *walk,
                                         const struct profile_mapping *mapping, uint64_t hash) {
    struct profile_module *list = walk->modules->list[walk->modules->now];
    struct modules_id id;
    size_t n = walk->count;
    while (n < walk->modules->count[walk->modules->now] && list[n].start < mapping->start) n++;
    walk->count = n;
    if (n == walk->modules->count[walk->modules->now] || list[n].hash != hash) return;
    if (!list[n].needed || list[n].written) return;
    profile_modules_read_id(walk->object, &id);
    profile_modules_add(mapping, &id);
    list[n].written = true;
}

static void profile_modules_write_one(void *to, const struct profile_mapping *mapping) {
    profile_modules_visit(to, mapping, profile_modules_write_needed);
}

void profile_modules_write(struct profile_modules *modules) {
    struct modules_walk walk = {.modules = modules};
    const struct profile_module *list = modules->list[modules->now];
    bool any = false;
    for (size_t i = 0; i < modules->count[modules->now]; i++)
        any = any || (list[i].needed && !list[i].written);
    if (any) profile_maps_each(profile_modules_write_one, &walk);
}
