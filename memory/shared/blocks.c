/* The functions that allocate, free and resize blocks. */
#include <errno.h>
#include <string.h>

#include "base/failure.h"
#include "shared/growth.h"
#include "shared/mutex.h"

#define ADDRESS(heap, position) ((heap)->image + heap_bytes((heap), (position)))

/* ---- allocation ---- */

enum mallow_result mallow_shared_alloc(struct mallow_shared *visible, size_t size,
                                       mallow_shared_handle *handle) {
    if (visible == NULL || handle == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct heap *heap = heap_of(visible);
    uint64_t position = 0;
    unsigned order = 0;
    enum mallow_result result = mutex_enter(heap, __func__);
    if (result != MALLOW_OK) return result;
    result = growth_find(heap, size, &position, &order, __func__);
    if (result == MALLOW_OK) {
        buddy_take(&heap->buddy, position, order, size, NULL);
        *handle = heap_handle(heap, position);
    }
    mutex_leave(heap);
    return result;
}

enum mallow_result mallow_shared_zalloc(struct mallow_shared *heap, size_t size,
                                        mallow_shared_handle *handle) {
    enum mallow_result result = mallow_shared_alloc(heap, size, handle);
    if (result == MALLOW_OK) memset((void *)(heap->base + (uintptr_t)*handle), 0, size);
    return result;
}

/* Locks the heap, and stores the offset of the handle at `place`. */
static enum mallow_result blocks_enter_at(struct mallow_shared *visible,
                                          const mallow_shared_handle *place, uint64_t *offset,
                                          const char *function) {
    if (visible == NULL || place == NULL) return heap_fail(function, MALLOW_BAD_ARGUMENT);
    struct heap *heap = heap_of(visible);
    enum mallow_result result = mutex_enter(heap, function);
    if (result != MALLOW_OK) return result;
    *offset = heap_offset_of_place(heap, place);
    if (*offset != 0) return MALLOW_OK;
    mutex_leave(heap);
    return heap_fail(function, MALLOW_BAD_ARGUMENT);
}

enum mallow_result mallow_shared_alloc_into(struct mallow_shared *visible,
                                            mallow_shared_handle *place, size_t size) {
    uint64_t offset = 0, position = 0;
    unsigned order = 0;
    enum mallow_result result = blocks_enter_at(visible, place, &offset, __func__);
    if (result != MALLOW_OK) return result;
    struct heap *heap = heap_of(visible);
    if (*place != 0)
        result = FAIL(MALLOW_EXISTS);
    else
        result = growth_find(heap, size, &position, &order, __func__);
    if (result == MALLOW_OK) {
        memset(ADDRESS(heap, position), 0, size);
        const struct buddy_stores stores = {{offset}, {heap_handle(heap, position)}};
        buddy_take(&heap->buddy, position, order, size, &stores);
    }
    mutex_leave(heap);
    return result;
}

/* ---- freeing ---- */

static enum mallow_result blocks_free(struct heap *heap, mallow_shared_handle handle,
                                      const struct buddy_stores *stores, const char *function) {
    uint64_t position;
    enum mallow_result result = heap_locate(heap, handle, &position);
    if (result != MALLOW_OK) return heap_fail(function, result);
    buddy_give(&heap->buddy, position, stores);
    return MALLOW_OK;
}

enum mallow_result mallow_shared_free(struct mallow_shared *visible, mallow_shared_handle handle) {
    if (visible == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    if (handle == 0) return MALLOW_OK;
    struct heap *heap = heap_of(visible);
    enum mallow_result result = mutex_enter(heap, __func__);
    if (result != MALLOW_OK) return result;
    result = blocks_free(heap, handle, NULL, __func__);
    mutex_leave(heap);
    return result;
}

/* `place` may be in the block that is freed. No other process can allocate its memory before the
 * lock is released. */
enum mallow_result mallow_shared_free_from(struct mallow_shared *visible,
                                           mallow_shared_handle *place) {
    uint64_t offset = 0;
    enum mallow_result result = blocks_enter_at(visible, place, &offset, __func__);
    if (result != MALLOW_OK) return result;
    struct heap *heap = heap_of(visible);
    const struct buddy_stores stores = {{offset}, {0}};
    if (*place != 0) result = blocks_free(heap, *place, &stores, __func__);
    mutex_leave(heap);
    return result;
}

/* ---- resizing ---- */

/* Copies the bytes to a free block before the step that allocates it, so that the handle never
 * refers to a block with only a part of the bytes. */
static enum mallow_result blocks_move(struct heap *heap, uint64_t old, size_t size, uint64_t place,
                                      mallow_shared_handle *handle, const char *function) {
    uint64_t position = 0;
    unsigned order = 0;
    enum mallow_result result = growth_find(heap, size, &position, &order, function);
    if (result != MALLOW_OK) return result;
    size_t old_size = buddy_size(&heap->buddy, old);
    memcpy(ADDRESS(heap, position), ADDRESS(heap, old), old_size < size ? old_size : size);
    const struct buddy_stores stores = {{place}, {heap_handle(heap, position)}};
    buddy_replace(&heap->buddy, position, order, size, &stores, old);
    *handle = stores.value[0];
    return MALLOW_OK;
}

static enum mallow_result blocks_resize(struct heap *heap, mallow_shared_handle *handle,
                                        size_t size, uint64_t place, const char *function) {
    uint64_t position;
    enum mallow_result result = heap_locate(heap, *handle, &position);
    if (result != MALLOW_OK) return heap_fail(function, result);
    bool is_possible = size <= IMAGE_UNITS_MAX * IMAGE_UNIT;
    if (is_possible && buddy_resize(&heap->buddy, position, size)) return MALLOW_OK;
    return blocks_move(heap, position, size, place, handle, function);
}

enum mallow_result mallow_shared_resize(struct mallow_shared *visible, mallow_shared_handle *handle,
                                        size_t size) {
    if (visible == NULL || handle == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    if (*handle == 0) return mallow_shared_alloc(visible, size, handle);
    struct heap *heap = heap_of(visible);
    enum mallow_result result = mutex_enter(heap, __func__);
    if (result != MALLOW_OK) return result;
    result = blocks_resize(heap, handle, size, 0, __func__);
    mutex_leave(heap);
    return result;
}

enum mallow_result mallow_shared_resize_in(struct mallow_shared *visible,
                                           mallow_shared_handle *place, size_t size) {
    uint64_t offset = 0;
    enum mallow_result result = blocks_enter_at(visible, place, &offset, __func__);
    if (result != MALLOW_OK) return result;
    mallow_shared_handle handle = *place;
    result = blocks_resize(heap_of(visible), &handle, size, offset, __func__);
    mutex_leave(heap_of(visible));
    return result;
}

/* ---- handles ---- */

enum mallow_result mallow_shared_move(struct mallow_shared *visible, mallow_shared_handle *from,
                                      mallow_shared_handle *to, mallow_shared_handle then) {
    uint64_t offset = 0;
    if (from == to) return FAIL(MALLOW_BAD_ARGUMENT);
    enum mallow_result result = blocks_enter_at(visible, from, &offset, __func__);
    if (result != MALLOW_OK) return result;
    struct heap *heap = heap_of(visible);
    const struct buddy_stores stores = {{heap_offset_of_place(heap, to), offset}, {*from, then}};
    if (stores.place[0] == 0)
        result = FAIL(MALLOW_BAD_ARGUMENT);
    else if (*to != 0)
        result = FAIL(MALLOW_EXISTS);
    else
        buddy_store(&heap->buddy, &stores);
    mutex_leave(heap);
    return result;
}

enum mallow_result mallow_shared_size(struct mallow_shared *visible, mallow_shared_handle handle,
                                      size_t *size) {
    if (visible == NULL || size == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct heap *heap = heap_of(visible);
    uint64_t position;
    enum mallow_result result = mutex_enter_to_read(heap, __func__);
    if (result != MALLOW_OK) return result;
    result = heap_locate(heap, handle, &position);
    if (result == MALLOW_OK)
        *size = buddy_size(&heap->buddy, position);
    else
        heap_fail(__func__, result);
    mutex_leave(heap);
    return result;
}

void *mallow_shared_at_checked(const struct mallow_shared *visible, mallow_shared_handle handle,
                               size_t size) {
    if (visible == NULL) return FAIL(MALLOW_BAD_ARGUMENT), NULL;
    if (handle == 0) return NULL;
    const struct heap *heap = heap_of(visible);
    uint64_t position;
    enum mallow_result result = heap_locate(heap, handle, &position);
    if (result != MALLOW_OK) return FAIL(result), NULL;
    size_t has = buddy_size(&heap->buddy, position);
    if (has < size) return FAIL(MALLOW_NO_ROOM, .wanted = size, .maximum = has), NULL;
    return mallow_shared_at(visible, handle);
}

mallow_shared_handle mallow_shared_handle_of(const struct mallow_shared *visible,
                                             const void *address) {
    if (visible == NULL) return 0;
    const struct heap *heap = heap_of(visible);
    uint64_t offset = (uintptr_t)address - (uintptr_t)heap->image;
    bool is_inside =
        offset >= heap->units_at && offset < heap_bytes(heap, buddy_now(&heap->buddy)->units);
    return is_inside ? heap->tag + offset : 0;
}

mallow_shared_handle *mallow_shared_root(struct mallow_shared *heap) {
    return heap == NULL ? NULL : &heap_header(heap_of(heap))->root;
}
