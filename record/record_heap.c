/* The functions of C. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "../bounds/libc.h"
#include "record.h"
#include "trace/trace_record.h"

#define ENTRY __builtin_frame_address(0)

__thread unsigned record_depth;

/* ---- allocations ---- */

static inline void record_made(bool is_outermost, unsigned kind, const void *p, size_t size,
                               size_t align, const void *entry) {
    if (is_outermost) trace_allocated(kind, p, NULL, size, align, entry);
}

EXPORT void *malloc(size_t size) {
    bool is_outermost = record_enter();
    void *p = REAL(malloc)(size);
    record_leave();
    record_made(is_outermost, MALLOW_TRACE_MALLOC, p, size, 1, ENTRY);
    return p;
}

/* Requests that are too large are recorded with the largest size. */
static size_t record_product(size_t count, size_t size) {
    size_t product;
    return __builtin_mul_overflow(count, size, &product) ? SIZE_MAX : product;
}

EXPORT void *calloc(size_t count, size_t size) {
    bool is_outermost = record_enter();
    void *p = REAL(calloc)(count, size);
    record_leave();
    record_made(is_outermost, MALLOW_TRACE_CALLOC, p, record_product(count, size), 1, ENTRY);
    return p;
}

EXPORT void *aligned_alloc(size_t align, size_t size) {
    bool is_outermost = record_enter();
    void *p = REAL(aligned_alloc)(align, size);
    record_leave();
    record_made(is_outermost, MALLOW_TRACE_ALIGNED_ALLOC, p, size, align, ENTRY);
    return p;
}

EXPORT void *memalign(size_t align, size_t size) {
    bool is_outermost = record_enter();
    void *p = REAL(memalign)(align, size);
    record_leave();
    record_made(is_outermost, MALLOW_TRACE_MEMALIGN, p, size, align, ENTRY);
    return p;
}

EXPORT int posix_memalign(void **to, size_t align, size_t size) {
    bool is_outermost = record_enter();
    int error = REAL(posix_memalign)(to, align, size);
    record_leave();
    record_made(is_outermost, MALLOW_TRACE_POSIX_MEMALIGN, error == 0 ? *to : NULL, size, align,
                ENTRY);
    return error;
}

EXPORT void *valloc(size_t size) {
    bool is_outermost = record_enter();
    void *p = REAL(valloc)(size);
    record_leave();
    record_made(is_outermost, MALLOW_TRACE_VALLOC, p, size, 1, ENTRY);
    return p;
}

EXPORT void *pvalloc(size_t size) {
    bool is_outermost = record_enter();
    void *p = REAL(pvalloc)(size);
    record_leave();
    record_made(is_outermost, MALLOW_TRACE_PVALLOC, p, size, 1, ENTRY);
    return p;
}

/* ---- resizes ---- */

/* Another thread can get the old block before this one has recorded the result. */
static inline void record_resizing(bool is_outermost, const void *old) {
    if (is_outermost && old != NULL) trace_resizing(old);
}

static inline void record_resized(bool is_outermost, const void *p, const void *old, size_t size,
                                  const void *entry) {
    if (is_outermost) trace_allocated(MALLOW_TRACE_REALLOC, p, old, size, 1, entry);
}

EXPORT void *realloc(void *old, size_t size) {
    bool is_outermost = record_enter();
    record_resizing(is_outermost, old);
    void *p = REAL(realloc)(old, size);
    record_leave();
    record_resized(is_outermost, p, old, size, ENTRY);
    return p;
}

EXPORT void *reallocarray(void *old, size_t count, size_t size) {
    bool is_outermost = record_enter();
    record_resizing(is_outermost, old);
    void *p = REAL(reallocarray)(old, count, size);
    record_leave();
    record_resized(is_outermost, p, old, record_product(count, size), ENTRY);
    return p;
}

/* ---- frees ---- */

EXPORT void free(void *p) {
    bool is_outermost = record_enter();
    if (is_outermost && p != NULL) trace_freeing(MALLOW_TRACE_FREE, p, ENTRY);
    REAL(free)(p);
    record_leave();
}

EXPORT int malloc_trim(size_t pad) {
    bool is_outermost = record_enter();
    int trimmed = REAL(malloc_trim)(pad);
    record_leave();
    if (is_outermost)
        trace_event(&(struct mallow_trace_event){.kind = MALLOW_TRACE_TRIM,
                                                 .size = pad,
                                                 .count = (uint64_t)trimmed},
                    false, ENTRY);
    return trimmed;
}
