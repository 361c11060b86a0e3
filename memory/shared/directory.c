/*
 * The directory of names. An entry is in use if its handle is not 0. An entry is added by writing
 * its name first and then its handle, by one store or in the step that allocates its block. It is
 * removed by setting its handle to 0. It is therefore complete or absent at each point where a
 * process can be killed.
 */
#include <errno.h>
#include <string.h>

#include "base/failure.h"
#include "shared/growth.h"
#include "shared/mutex.h"
#include "shared/store.h"

static struct image_name *directory_names(const struct heap *heap) {
    return (struct image_name *)(void *)(heap->image + IMAGE_NAMES_AT);
}

static struct image_name *directory_find(const struct heap *heap, const char *name) {
    struct image_name *names = directory_names(heap);
    for (int i = 0; i < MALLOW_SHARED_NAMES; i++)
        if (names[i].handle != 0 && strncmp(names[i].name, name, sizeof names[i].name) == 0)
            return &names[i];
    return NULL;
}

/* Writes the name to a free entry and returns the entry, or NULL if all entries are in use. */
static struct image_name *directory_prepare(const struct heap *heap, const char *name) {
    struct image_name *names = directory_names(heap);
    for (int i = 0; i < MALLOW_SHARED_NAMES; i++) {
        if (names[i].handle != 0) continue;
        memset(names[i].name, 0, sizeof names[i].name);
        memcpy(names[i].name, name, strlen(name));
        return &names[i];
    }
    return NULL;
}

static enum mallow_result directory_check_name(const char *name, const char *function) {
    if (name == NULL || *name == '\0') return heap_fail(function, MALLOW_BAD_ARGUMENT);
    size_t bytes = strlen(name) + 1;
    if (bytes <= MALLOW_SHARED_NAME_BYTES) return MALLOW_OK;
    return failure_set((struct mallow_error){.result = MALLOW_NO_ROOM,
                                             .function = function,
                                             .wanted = bytes,
                                             .maximum = MALLOW_SHARED_NAME_BYTES});
}

/* Checks the arguments and locks the heap. */
static enum mallow_result directory_enter(struct mallow_shared *visible, const char *name,
                                          bool to_read, const char *function) {
    if (visible == NULL) return heap_fail(function, MALLOW_BAD_ARGUMENT);
    enum mallow_result result = directory_check_name(name, function);
    if (result != MALLOW_OK) return result;
    struct heap *heap = heap_of(visible);
    return to_read ? mutex_enter_to_read(heap, function) : mutex_enter(heap, function);
}

static enum mallow_result directory_fail_full(const char *function) {
    return failure_set((struct mallow_error){
        .result = MALLOW_NO_ROOM, .function = function, .wanted = sizeof(struct image_name)});
}

enum mallow_result mallow_shared_set_name(struct mallow_shared *visible, const char *name,
                                          mallow_shared_handle handle) {
    enum mallow_result result = directory_enter(visible, name, false, __func__);
    if (result != MALLOW_OK) return result;
    struct heap *heap = heap_of(visible);
    uint64_t position;
    result = heap_locate(heap, handle, &position);
    if (result != MALLOW_OK) {
        heap_fail(__func__, result);
    } else {
        struct image_name *entry = directory_find(heap, name);
        if (entry == NULL) entry = directory_prepare(heap, name);
        if (entry == NULL)
            result = directory_fail_full(__func__);
        else
            store_word(&entry->handle, handle);
    }
    mutex_leave(heap);
    return result;
}

enum mallow_result mallow_shared_find(struct mallow_shared *visible, const char *name,
                                      mallow_shared_handle *handle) {
    if (handle == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    enum mallow_result result = directory_enter(visible, name, true, __func__);
    if (result != MALLOW_OK) return result;
    struct heap *heap = heap_of(visible);
    const struct image_name *entry = directory_find(heap, name);
    uint64_t found = entry == NULL ? 0 : entry->handle;
    if (found != 0) *handle = found;
    mutex_leave(heap);
    return found == 0 ? MALLOW_NOT_FOUND : MALLOW_OK;
}

static enum mallow_result directory_alloc(struct heap *heap, const char *name, size_t size,
                                          mallow_shared_handle *handle, const char *function) {
    uint64_t position = 0;
    unsigned order = 0;
    struct image_name *entry = directory_prepare(heap, name);
    if (entry == NULL) return directory_fail_full(function);
    enum mallow_result result = growth_find(heap, size, &position, &order, function);
    if (result != MALLOW_OK) return result;
    memset(heap->image + heap_bytes(heap, position), 0, size);
    const struct buddy_stores stores = {{(uint64_t)((char *)&entry->handle - heap->image)},
                                        {heap_handle(heap, position)}};
    buddy_take(&heap->buddy, position, order, size, &stores);
    *handle = stores.value[0];
    return MALLOW_OK;
}

/* Checks that a named block is large enough. */
static enum mallow_result directory_check_size(const struct heap *heap, mallow_shared_handle handle,
                                               size_t size, const char *function) {
    uint64_t position;
    enum mallow_result result = heap_locate(heap, handle, &position);
    if (result != MALLOW_OK) return heap_fail(function, result);
    size_t has = buddy_size(&heap->buddy, position);
    if (has >= size) return MALLOW_OK;
    return failure_set((struct mallow_error){
        .result = MALLOW_NO_ROOM, .function = function, .wanted = size, .maximum = has});
}

enum mallow_result mallow_shared_find_or_alloc(struct mallow_shared *visible, const char *name,
                                               size_t size, mallow_shared_handle *handle,
                                               bool *created) {
    if (handle == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    enum mallow_result result = directory_enter(visible, name, false, __func__);
    if (result != MALLOW_OK) return result;
    struct heap *heap = heap_of(visible);
    const struct image_name *entry = directory_find(heap, name);
    if (entry == NULL) {
        result = directory_alloc(heap, name, size, handle, __func__);
    } else {
        result = directory_check_size(heap, entry->handle, size, __func__);
        if (result == MALLOW_OK) *handle = entry->handle;
    }
    if (result == MALLOW_OK && created != NULL) *created = entry == NULL;
    mutex_leave(heap);
    return result;
}

enum mallow_result mallow_shared_remove_name(struct mallow_shared *visible, const char *name) {
    enum mallow_result result = directory_enter(visible, name, false, __func__);
    if (result != MALLOW_OK) return result;
    struct heap *heap = heap_of(visible);
    struct image_name *entry = directory_find(heap, name);
    if (entry != NULL) store_word(&entry->handle, 0);
    mutex_leave(heap);
    return entry == NULL ? MALLOW_NOT_FOUND : MALLOW_OK;
}

enum mallow_result mallow_shared_next_name(struct mallow_shared *visible, unsigned *cursor,
                                           char name[MALLOW_SHARED_NAME_BYTES],
                                           mallow_shared_handle *handle) {
    if (visible == NULL || cursor == NULL || name == NULL || handle == NULL)
        return FAIL(MALLOW_BAD_ARGUMENT);
    struct heap *heap = heap_of(visible);
    enum mallow_result result = mutex_enter_to_read(heap, __func__);
    if (result != MALLOW_OK) return result;
    const struct image_name *names = directory_names(heap);
    result = MALLOW_NOT_FOUND;
    while (result != MALLOW_OK && *cursor < MALLOW_SHARED_NAMES) {
        const struct image_name *entry = &names[(*cursor)++];
        if (entry->handle == 0) continue;
        *handle = entry->handle;
        memcpy(name, entry->name, MALLOW_SHARED_NAME_BYTES);
        name[MALLOW_SHARED_NAME_BYTES - 1] = '\0';
        result = MALLOW_OK;
    }
    mutex_leave(heap);
    return result;
}
