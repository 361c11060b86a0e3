/* Finds out what each region of an address space is. */
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "proc/address_space.h"
#include "proc/proc.h"

static const char *const kinds_names[REGION_KINDS] = {
    [REGION_PROGRAM_TEXT] = "program text",
    [REGION_PROGRAM_RODATA] = "program rodata",
    [REGION_PROGRAM_DATA] = "program data",
    [REGION_PROGRAM_BSS] = "program bss",
    [REGION_LIBRARY_TEXT] = "library text",
    [REGION_LIBRARY_RODATA] = "library rodata",
    [REGION_LIBRARY_DATA] = "library data",
    [REGION_LIBRARY_BSS] = "library bss",
    [REGION_BREAK] = "heap",
    [REGION_MALLOW_HEAP] = "Mallow heap",
    [REGION_MALLOW_METADATA] = "Mallow metadata",
    [REGION_MALLOW_PROFILE] = "Mallow profile",
    [REGION_MALLOW_STACKS] = "Mallow stacks",
    [REGION_MALLOW_BLOCK] = "Mallow block",
    [REGION_MALLOW_GUARDED] = "Mallow guarded",
    [REGION_MAIN_STACK] = "stack",
    [REGION_THREAD_STACK] = "thread stack",
    [REGION_ANONYMOUS] = "anonymous",
    [REGION_FILE_PRIVATE] = "private file",
    [REGION_FILE_SHARED] = "shared file",
    [REGION_SHARED_MEMORY] = "shared memory",
    [REGION_JIT] = "generated code",
    [REGION_DEVICE] = "device",
    [REGION_KERNEL] = "kernel",
    [REGION_GUARD] = "guard",
    [REGION_RESERVED] = "reserved",
};

const char *region_kind_name(enum region_kind kind) { return kinds_names[kind]; }

static bool kinds_begins(const char *path, const char *prefix) {
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

static bool kinds_is_executable(const struct region *region) {
    return region->permissions[2] == 'x';
}
static bool kinds_is_writable(const struct region *region) { return region->permissions[1] == 'w'; }

static bool kinds_is_same_file(const struct region *a, const struct region *b) {
    return a->inode != 0 && a->inode == b->inode && a->device == b->device;
}

/* ---- the segments of a program or library ---- */

/* The regions of a loaded file and its bss are regions[begin] to regions[end - 1]. */
struct kinds_group {
    size_t begin, end;
    bool is_loaded;
};

static bool kinds_may_be_bss(const struct region *before, const struct region *region) {
    return before->end == region->start && region->inode == 0 && *region->path == '\0' &&
           kinds_is_writable(region) && !kinds_is_executable(region) && !region_is_shared(region);
}

static struct kinds_group kinds_find_group(const struct address_space *space, size_t begin) {
    const struct region *regions = space->regions;
    struct kinds_group group = {.begin = begin};
    size_t end = address_space_file_end(space, begin, &group.is_loaded);
    group.end = end;
    if (!group.is_loaded || !kinds_is_writable(&regions[end - 1])) return group;
    uint64_t bss_end = address_space_bss_end(space, regions[end - 1].end);
    while (group.end < space->count && regions[group.end].start < bss_end &&
           kinds_may_be_bss(&regions[group.end - 1], &regions[group.end]) &&
           (bss_end != UINT64_MAX || group.end == end))
        group.end++;
    return group;
}

/* The loader makes the first part of a data segment read-only after it has relocated it, which
 * leaves two regions with consecutive offsets. */
static bool kinds_is_relocated(const struct region *region, const struct region *next) {
    return !kinds_is_executable(region) && kinds_is_writable(next) &&
           kinds_is_same_file(region, next) && region->end == next->start &&
           region->offset + region_bytes(region) == next->offset;
}

static void kinds_set_loaded(struct region *regions, struct kinds_group group, bool is_program) {
    enum region_kind first = is_program ? REGION_PROGRAM_TEXT : REGION_LIBRARY_TEXT;
    enum { TEXT, RODATA, DATA, BSS };
    for (size_t i = group.begin; i < group.end; i++) {
        struct region *region = &regions[i];
        bool has_next = i + 1 < group.end;
        unsigned part = RODATA;
        if (region->inode == 0)
            part = BSS;
        else if (kinds_is_executable(region))
            part = TEXT;
        else if (kinds_is_writable(region) ||
                 (has_next && kinds_is_relocated(region, &regions[i + 1])))
            part = DATA;
        if (!region_is_inaccessible(region)) region->kind = (enum region_kind)(first + part);
    }
}

/* ---- single regions ---- */

static enum region_kind kinds_of_named(const struct region *region) {
    static const struct {
        const char *name;
        enum region_kind kind;
    } names[] = {
        {"mallow heap", REGION_MALLOW_HEAP},
        {"mallow metadata", REGION_MALLOW_METADATA},
        {"mallow block", REGION_MALLOW_BLOCK},
        {"mallow guarded", REGION_MALLOW_GUARDED},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(region->anonymous_name, names[i].name) == 0) return names[i].kind;
    return region_is_shared(region) ? REGION_SHARED_MEMORY : REGION_ANONYMOUS;
}

static bool kinds_is_shared_memory(const struct region *region) {
    static const char *const prefixes[] = {"/dev/shm/", "/memfd:", "/SYSV", "/dev/zero",
                                           "/anon_hugepage"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (kinds_begins(region->path, prefixes[i])) return region_is_shared(region);
    return false;
}

static bool kinds_is_anonymous(const struct region *region) {
    return *region->path == '\0' || kinds_begins(region->path, "/dev/zero") ||
           kinds_begins(region->path, "/anon_hugepage") || region->anonymous_name != NULL;
}

static bool kinds_is_device(const struct region *region) {
    return region_has_flag(region, "io") || region_has_flag(region, "pf") ||
           (kinds_begins(region->path, "/dev/") && !kinds_begins(region->path, "/dev/shm/") &&
            !kinds_begins(region->path, "/dev/hugepages/"));
}

static enum region_kind kinds_of_file(const struct region *region) {
    if (kinds_is_device(region)) return REGION_DEVICE;
    return region_is_shared(region) ? REGION_FILE_SHARED : REGION_FILE_PRIVATE;
}

static enum region_kind kinds_of(const struct region *region) {
    bool is_memory = kinds_is_shared_memory(region) || kinds_is_anonymous(region);
    if (strcmp(region->path, "[heap]") == 0) return REGION_BREAK;
    if (strcmp(region->path, "[stack]") == 0) return REGION_MAIN_STACK;
    if (*region->path == '[' && region->anonymous_name == NULL) return REGION_KERNEL;
    if (region->anonymous_name != NULL && kinds_begins(region->anonymous_name, "mallow "))
        return kinds_of_named(region);
    if (region_is_inaccessible(region))
        return region_bytes(region) <= GUARD_MAX ? REGION_GUARD : REGION_RESERVED;
    if ((is_memory || kinds_begins(region->path, "/memfd:")) && kinds_is_executable(region))
        return REGION_JIT;
    if (kinds_is_shared_memory(region)) return REGION_SHARED_MEMORY;
    if (region->anonymous_name != NULL) return kinds_of_named(region);
    return kinds_is_anonymous(region) ? REGION_ANONYMOUS : kinds_of_file(region);
}

/* ---- all regions ---- */

/* A path can be the name of another file by now, so the file counts. */
void address_space_read_program(struct address_space *space) {
    struct stat program;
    if (stat(proc_path(space->process, "exe").text, &program) != 0) return;
    space->program_inode = program.st_ino;
    space->program_device = major(program.st_dev) << 20 | minor(program.st_dev);
}

/* The library names only the first mappings of its heap and metadata (src/pages/space.c). Those
 * that it adds later follow them directly. */
static void kinds_continue_named(struct region *region) {
    const struct region *before = region - 1;
    bool is_mallow = before->kind == REGION_MALLOW_HEAP || before->kind == REGION_MALLOW_METADATA;
    if (is_mallow && before->end == region->start && region->kind == REGION_ANONYMOUS &&
        region->anonymous_name == NULL && strcmp(region->permissions, "rw-p") == 0)
        region->kind = before->kind;
}

void address_space_classify(struct address_space *space) {
    for (size_t i = 0; i < space->count; i++) space->regions[i].kind = kinds_of(&space->regions[i]);
    for (size_t i = 0; i < space->count;) {
        struct kinds_group group = kinds_find_group(space, i);
        bool is_program = space->regions[i].inode == space->program_inode &&
                          space->regions[i].device == space->program_device;
        if (group.is_loaded && space->regions[i].kind != REGION_JIT)
            kinds_set_loaded(space->regions, group, is_program);
        i = group.end > i ? group.end : i + 1;
    }
    for (size_t i = 1; i < space->count; i++) kinds_continue_named(&space->regions[i]);
}
