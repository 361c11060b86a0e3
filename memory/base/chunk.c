#include "base/chunk.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/limits.h"

#define KEPT_CHUNKS 8

static const char *const chunk_names[CHUNK_USERS] = {
    [CHUNK_ARENA] = "mallow arena",
    [CHUNK_SCRATCH] = "mallow scratch",
};

/* One atomic exchange empties or fills a place. No chunk can therefore have two users, and neither
 * a fork nor a signal handler can see an incomplete change. */
static void *_Atomic chunk_kept[CHUNK_USERS][KEPT_CHUNKS];

static void *chunk_take_kept(enum chunk_user user) {
    for (int i = 0; i < KEPT_CHUNKS; i++) {
        void *_Atomic *place = &chunk_kept[user][i];
        if (atomic_load_explicit(place, memory_order_relaxed) == NULL) continue;
        void *chunk = atomic_exchange_explicit(place, NULL, memory_order_acquire);
        if (chunk != NULL) return chunk;
    }
    return NULL;
}

void *chunk_take(enum chunk_user user, size_t bytes, const char *function) {
    void *chunk = bytes == CHUNK_BYTES ? chunk_take_kept(user) : NULL;
    if (chunk == NULL) chunk = kernel_map(bytes, chunk_names[user]);
    if (chunk == NULL) limits_fail(function, "mmap", bytes);
    return chunk;
}

static void chunk_unmap(void *chunk, size_t bytes) {
    int error = errno;
    kernel_unmap(chunk, bytes);
    errno = error;
}

void chunk_give(enum chunk_user user, void *chunk, size_t bytes) {
    for (int i = 0; bytes == CHUNK_BYTES && i < KEPT_CHUNKS; i++) {
        void *none = NULL;
        if (atomic_compare_exchange_strong_explicit(&chunk_kept[user][i], &none, chunk,
                                                    memory_order_release, memory_order_relaxed))
            return;
    }
    chunk_unmap(chunk, bytes);
}

size_t chunk_round(size_t bytes) {
    size_t page = kernel_page();
    return bytes > SIZE_MAX - page ? 0 : (bytes + page - 1) / page * page;
}
