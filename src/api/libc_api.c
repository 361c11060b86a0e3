/*
 * Defines the names of libc that the library replaces. These are all the names that glibc's
 * malloc.o defines for programs and for other parts of libc, so that a static link never adds that
 * object to this one.
 */
#include "api/info.h"
#include "base/compiler.h"
#include "base/settings.h"
#include "heap/alloc.h"
#include "heap/fast.h"
#include "heap/mode.h"
#include "mallow.h"
#include "process/mtrace.h"
#include "process/options.h"

#define ALIAS(name) __attribute__((alias(#name))) EXPORT

/* The attributes in libc's declarations differ from those of our functions, which otherwise
 * match. */
#pragma GCC diagnostic ignored "-Wattributes"
#ifndef __clang__
#    pragma GCC diagnostic ignored "-Wmissing-attributes"
#endif

void *malloc(size_t) ALIAS(mallow_malloc);
void *calloc(size_t, size_t) ALIAS(mallow_calloc);
void *realloc(void *, size_t) ALIAS(mallow_realloc);
void *reallocarray(void *, size_t, size_t) ALIAS(mallow_reallocarray);
void free(void *) ALIAS(mallow_free);
void cfree(void *) ALIAS(mallow_free);
void *memalign(size_t, size_t) ALIAS(mallow_memalign);
void *aligned_alloc(size_t, size_t) ALIAS(mallow_aligned_alloc);
int posix_memalign(void **, size_t, size_t) ALIAS(mallow_posix_memalign);
void *valloc(size_t) ALIAS(mallow_valloc);
void *pvalloc(size_t) ALIAS(mallow_pvalloc);
int malloc_trim(size_t) ALIAS(mallow_trim);
struct mallinfo mallinfo(void) ALIAS(mallow_mallinfo);
struct mallinfo2 mallinfo2(void) ALIAS(mallow_mallinfo2);
void malloc_stats(void) ALIAS(mallow_malloc_stats);
int malloc_info(int, FILE *) ALIAS(mallow_malloc_info);
int mallopt(int, int) ALIAS(options_mallopt);
void mtrace(void) ALIAS(mtrace_begin);
void muntrace(void) ALIAS(mtrace_end);

/* Not an alias, because libc declares the parameter without const. */
EXPORT size_t malloc_usable_size(void *block) { return mallow_usable_size(block); }

/* The functions of C23. When the fast path cannot free the block, the mode checks the size and the
 * alignment. */
static NOINLINE void libc_free_sized_slow(void *block, size_t size) {
    mode_free_request(
        block, &(struct free_request){.family = FAMILY_MALLOC, WITH_SIZE(size), CALLED_HERE});
}

EXPORT void free_sized(void *block, size_t size) {
    if (unlikely(fast_give_sized(block, size) != FAST_DONE)) libc_free_sized_slow(block, size);
}

static NOINLINE void libc_free_aligned_sized_slow(void *block, size_t align, size_t size) {
    mode_free_request(
        block, &(struct free_request){
                   .family = FAMILY_MALLOC, WITH_SIZE(size), WITH_ALIGN(align), CALLED_HERE});
}

EXPORT void free_aligned_sized(void *block, size_t align, size_t size) {
    if (unlikely(fast_give_aligned(block, align, size) != FAST_DONE))
        libc_free_aligned_sized_slow(block, align, size);
}

/* Names that other libraries call and, in a static program, other parts of libc. */
void *__libc_malloc(size_t) ALIAS(mallow_malloc);
void *__libc_calloc(size_t, size_t) ALIAS(mallow_calloc);
void *__libc_realloc(void *, size_t) ALIAS(mallow_realloc);
void *__libc_reallocarray(void *, size_t, size_t) ALIAS(mallow_reallocarray);
void __libc_free(void *) ALIAS(mallow_free);
void __libc_cfree(void *) ALIAS(mallow_free);
void *__libc_memalign(size_t, size_t) ALIAS(mallow_memalign);
void *__libc_valloc(size_t) ALIAS(mallow_valloc);
void *__libc_pvalloc(size_t) ALIAS(mallow_pvalloc);
int __posix_memalign(void **, size_t, size_t) ALIAS(mallow_posix_memalign);
struct mallinfo __libc_mallinfo(void) ALIAS(mallow_mallinfo);
struct mallinfo2 __libc_mallinfo2(void) ALIAS(mallow_mallinfo2);
int __libc_mallopt(int, int) ALIAS(options_mallopt);

#ifndef MALLOW_PRELOAD
/* Names that only libc.a uses. */
void *__malloc(size_t) ALIAS(mallow_malloc);
void *__calloc(size_t, size_t) ALIAS(mallow_calloc);
void *__realloc(void *, size_t) ALIAS(mallow_realloc);
void __free(void *) ALIAS(mallow_free);
void *__memalign(size_t, size_t) ALIAS(mallow_memalign);
void *__valloc(size_t) ALIAS(mallow_valloc);
void *__pvalloc(size_t) ALIAS(mallow_pvalloc);
size_t __malloc_usable_size(void *) ALIAS(malloc_usable_size);
int __malloc_trim(size_t) ALIAS(mallow_trim);
struct mallinfo __mallinfo(void) ALIAS(mallow_mallinfo);
struct mallinfo2 __mallinfo2(void) ALIAS(mallow_mallinfo2);
void __malloc_stats(void) ALIAS(mallow_malloc_stats);
int __malloc_info(int, FILE *) ALIAS(mallow_malloc_info);
int __mallopt(int, int) ALIAS(options_mallopt);
void *__aligned_alloc(size_t, size_t) ALIAS(mallow_aligned_alloc);
void *__libc_aligned_alloc(size_t, size_t) ALIAS(mallow_aligned_alloc);

/* fork and thread exit call these functions; atfork handlers and os/owner.h do their work. */
EXPORT void __malloc_fork_lock_parent(void) {}
EXPORT void __malloc_fork_unlock_parent(void) {}
EXPORT void __malloc_fork_unlock_child(void) {}
EXPORT void __malloc_arena_thread_freeres(void) {}
EXPORT void *__glibc_morecore(ptrdiff_t increment) {
    (void)increment;
    return NULL;
}
#endif
