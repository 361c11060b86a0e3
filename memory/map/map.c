/* Makes and ends mappings. */
#include "mallow/map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/kernel_file.h"
#include "map/map_inside.h"

#ifndef F_SEAL_FUTURE_WRITE
#    define F_SEAL_FUTURE_WRITE 0x10
#endif

/* ---- names ---- */

#define MAP_NAME_MAX 40

/* The kernel refuses names with other characters. */
static bool map_set_name(struct mallow_map *map, const char *name) {
    if (name == NULL) name = "map";
    if (*name == '\0' || strnlen(name, MAP_NAME_MAX + 1) > MAP_NAME_MAX) return false;
    for (const char *at = name; *at != '\0'; at++)
        if (*at < ' ' || *at > '~' || strchr("\\`$[]", *at) != NULL) return false;
    stpcpy(stpcpy(map->name, "mallow "), name);
    return true;
}

static const char *const map_name_advice =
    "a name has 1 to 40 printable ASCII characters, and none of \\ ` $ [ ]";

/* ---- memory ---- */

/* Sets the page size, and refuses lengths whose last page no object can include. */
static enum mallow_result map_measure(struct mallow_map *map, const char *function) {
    map->page = kernel_page();
    if (map_has(map, MALLOW_MAP_HUGE) && !map_huge_page(&map->page))
        return failure_set((struct mallow_error){.result = MALLOW_UNSUPPORTED,
                                                 .function = function,
                                                 .advice = "the kernel has no huge pages"});
    if (map_span(map, map->bytes) != 0) return MALLOW_OK;
    return failure_set((struct mallow_error){
        .result = MALLOW_TOO_LARGE, .function = function, .wanted = map->bytes});
}

/* Maps the pages. */
static enum mallow_result map_place(struct mallow_map *map, const char *function) {
    size_t span = map_span(map, map->bytes);
    char *pages = map_cover(map, NULL, 0, span, 0);
    if (pages == NULL && map_has(map, MALLOW_MAP_HUGE))
        return map_fail_huge(function, "mmap", span, map->page);
    if (pages == NULL) {
        const char *advice = NULL;
        if (errno == ENODEV) advice = "the file cannot be mapped: use read(2) and write(2)";
        if (errno == EPERM) advice = "the file is sealed: map it without MALLOW_MAP_WRITE";
        return map_fail(function, "mmap", span, advice);
    }
    map->data = pages + map->lead;
    return MALLOW_OK;
}

enum mallow_result mallow_map_memory(size_t bytes, unsigned how, const char *name,
                                     struct mallow_map *map) {
    struct mallow_map new = {.bytes = bytes, .how = how | MAP_MEMORY, .descriptor = -1};
    if (map == NULL || (how & ~(unsigned)MALLOW_MAP_HUGE) != 0) return FAIL(MALLOW_BAD_ARGUMENT);
    if (!map_set_name(&new, name)) return map_refuse(__func__, map_name_advice);
    enum mallow_result result = map_measure(&new, __func__);
    if (result == MALLOW_OK) result = map_place(&new, __func__);
    if (result == MALLOW_OK) *map = new;
    return result;
}

/* ---- shared memory ---- */

/* Seals against writing are added last, because they do not affect existing mappings. */
static enum mallow_result map_seal(const struct mallow_map *map, const char *function) {
    int seals = 0;
    if (map_has(map, MALLOW_MAP_SEAL_SIZE)) seals |= F_SEAL_SHRINK | F_SEAL_GROW;
    if (map_has(map, MALLOW_MAP_SEAL_WRITE)) seals |= F_SEAL_FUTURE_WRITE;
    if (seals == 0 || kernel_seal(map->descriptor, seals | F_SEAL_SEAL)) return MALLOW_OK;
    return map_fail(function, "fcntl", 0, "the kernel does not know this seal");
}

/* Gives a new file without a path its length, maps it, and seals it. */
static enum mallow_result map_fill_memory_file(struct mallow_map *map, const char *function) {
    struct kernel_file_state file;
    uint64_t length = map_has(map, MALLOW_MAP_HUGE) ? map_span(map, map->bytes) : map->bytes;
    if (!kernel_describe_file(map->descriptor, &file)) return map_fail(function, "fstat", 0, NULL);
    map->device = file.device;
    map->inode = file.inode;
    map->file_bytes = map->bytes;
    enum mallow_result result = map_check_file_limit(0, length, function);
    if (result != MALLOW_OK) return result;
    if (!kernel_set_length(map->descriptor, length))
        return map_fail(function, "ftruncate", map->bytes, NULL);
    result = map_place(map, function);
    if (result != MALLOW_OK) return result;
    result = map_seal(map, function);
    if (result != MALLOW_OK) kernel_unmap(map_pages(map), map_span(map, map->bytes));
    return result;
}

/* Makes the caller's descriptor first. If this fails, there is no mapping to undo. */
static enum mallow_result map_make_shared(struct mallow_map *map, int *descriptor,
                                          const char *function) {
    map->descriptor = kernel_memory_file(map->name, map_has(map, MALLOW_MAP_HUGE));
    if (map->descriptor < 0) return map_fail(function, "memfd_create", 0, NULL);
    int copy = descriptor == NULL ? -1 : kernel_duplicate(map->descriptor);
    enum mallow_result result = descriptor == NULL || copy >= 0
                                    ? map_fill_memory_file(map, function)
                                    : map_fail(function, "fcntl", 0, NULL);
    if (result != MALLOW_OK) kernel_close(map->descriptor);
    if (result != MALLOW_OK && copy >= 0) kernel_close(copy);
    if (result == MALLOW_OK && descriptor != NULL) *descriptor = copy;
    return result;
}

enum mallow_result mallow_map_shared(size_t bytes, unsigned how, const char *name,
                                     struct mallow_map *map, int *descriptor) {
    const unsigned known = MALLOW_MAP_HUGE | MALLOW_MAP_SEAL_SIZE | MALLOW_MAP_SEAL_WRITE;
    struct mallow_map new = {.bytes = bytes, .how = how | MAP_SHARED_MEMORY};
    if (map == NULL || (how & ~known) != 0) return FAIL(MALLOW_BAD_ARGUMENT);
    if (!map_set_name(&new, name)) return map_refuse(__func__, map_name_advice);
    enum mallow_result result = map_measure(&new, __func__);
    if (result == MALLOW_OK) result = map_make_shared(&new, descriptor, __func__);
    if (result == MALLOW_OK) *map = new;
    return result;
}

/* ---- files ---- */

static bool map_is_valid_how(unsigned how) {
    const unsigned for_writing = MALLOW_MAP_CREATE | MALLOW_MAP_SPARSE;
    unsigned mode = how & MAP_MODES;
    if ((how & ~(MAP_MODES | for_writing)) != 0) return false;
    if (mode == 0 || (mode & (mode - 1)) != 0) return false;
    return mode == MALLOW_MAP_WRITE || (how & for_writing) == 0;
}

static enum mallow_result map_check_file(const struct mallow_map *map,
                                         const struct kernel_file_state *file,
                                         const char *function) {
    struct mallow_error details = {.function = function};
    if (file->kind == KERNEL_DIRECTORY || file->kind == KERNEL_OTHER_FILE) {
        details.result = MALLOW_UNSUPPORTED;
        details.error = file->kind == KERNEL_DIRECTORY ? EISDIR : ENODEV;
        details.advice = "only files and devices can be mapped";
    } else if (map_has(map, MALLOW_MAP_WRITE) && !file->can_write) {
        details.result = MALLOW_DENIED;
        details.advice = "open the file for reading and writing (O_RDWR)";
    } else if (!file->can_read) {
        details.result = MALLOW_DENIED;
        details.advice = "open the file for reading";
    }
    return details.result == MALLOW_OK ? MALLOW_OK : failure_set(details);
}

/* Finds the length of the mapping, and extends the file if `how` demands it. */
static enum mallow_result map_measure_file(struct mallow_map *map,
                                           const struct kernel_file_state *file,
                                           const char *function) {
    enum mallow_result result = MALLOW_OK;
    size_t in_file = 0;
    map->page = file->page;
    map->lead = (size_t)(map->offset % map->page);
    if (map->bytes == MALLOW_MAP_ALL)
        result = map_rest_of_file(map, file->bytes, &map->bytes, function);
    if (result != MALLOW_OK) return result;
    if (map_span(map, map->bytes) == 0 || map->offset > INT64_MAX - map_span(map, map->bytes))
        return failure_set((struct mallow_error){
            .result = MALLOW_TOO_LARGE, .function = function, .wanted = map->bytes});
    if (map_has(map, MAP_DEVICE | MALLOW_MAP_WRITE))
        in_file = map->bytes;
    else if (map->offset < file->bytes)
        in_file = file->bytes - map->offset < map->bytes ? (size_t)(file->bytes - map->offset)
                                                         : map->bytes;
    map->file_bytes = in_file;
    if (!map_has(map, MAP_DEVICE) && map_has(map, MALLOW_MAP_WRITE))
        return map_extend_file(map, file->bytes, function);
    return MALLOW_OK;
}

/* Maps a file whose descriptor belongs to the mapping from now on. */
static enum mallow_result map_adopt(struct mallow_map *map, const char *function) {
    struct kernel_file_state file;
    enum mallow_result result;
    if (!kernel_describe_file(map->descriptor, &file)) {
        result = map_fail(function, "fstat", 0, NULL);
    } else {
        map->device = file.device;
        map->inode = file.inode;
        if (file.kind == KERNEL_DEVICE) map->how |= MAP_DEVICE;
        result = map_check_file(map, &file, function);
        if (result == MALLOW_OK) result = map_measure_file(map, &file, function);
        if (result == MALLOW_OK) result = map_place(map, function);
    }
    if (result != MALLOW_OK) kernel_close(map->descriptor);
    return result;
}

enum mallow_result mallow_map_file(const char *path, uint64_t offset, size_t bytes, unsigned how,
                                   struct mallow_map *map) {
    struct mallow_map new = {.bytes = bytes, .how = how, .offset = offset};
    if (path == NULL || map == NULL || !map_is_valid_how(how)) return FAIL(MALLOW_BAD_ARGUMENT);
    int flags = (how & MALLOW_MAP_WRITE) != 0 ? O_RDWR : O_RDONLY;
    map_set_name(&new, NULL);
    new.descriptor = kernel_open(path, flags | ((how & MALLOW_MAP_CREATE) != 0 ? O_CREAT : 0));
    if (new.descriptor < 0)
        return map_fail(__func__, "open", 0,
                        errno == EISDIR ? "only files and devices can be mapped" : NULL);
    enum mallow_result result = map_adopt(&new, __func__);
    if (result == MALLOW_OK) *map = new;
    return result;
}

enum mallow_result mallow_map_descriptor(int descriptor, uint64_t offset, size_t bytes,
                                         unsigned how, struct mallow_map *map) {
    struct mallow_map new = {.bytes = bytes, .how = how, .offset = offset};
    if (map == NULL || !map_is_valid_how(how) || (how & MALLOW_MAP_CREATE) != 0)
        return FAIL(MALLOW_BAD_ARGUMENT);
    map_set_name(&new, NULL);
    new.descriptor = kernel_duplicate(descriptor);
    if (new.descriptor < 0) return map_fail(__func__, "fcntl", 0, NULL);
    enum mallow_result result = map_adopt(&new, __func__);
    if (result == MALLOW_OK) *map = new;
    return result;
}

/* ---- the end ---- */

/* Closes the descriptor unless the program has closed it and opened another file under it. */
enum mallow_result mallow_map_end(struct mallow_map *map) {
    uint64_t bytes;
    if (map == NULL || map->data == NULL) return MALLOW_OK;
    size_t span = map_span(map, map->bytes);
    if (!kernel_unmap(map_pages(map), span)) return map_fail(__func__, "munmap", span, NULL);
    if (kernel_is_file(map->descriptor, map->device, map->inode, &bytes))
        kernel_close(map->descriptor);
    memset(map, 0, sizeof *map);
    return MALLOW_OK;
}
