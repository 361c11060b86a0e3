/*
 * C++'s operator new and delete, all forms, by their names in the Itanium ABI. They allocate as
 * malloc does; failing is C++'s business, so the runtime's own functions are called for that:
 * found when the program brings a C++ runtime, in the global scope or beside the caller.
 */
#include <stdlib.h>

#include "alloc.h"
#include "config.h"
#include "fast.h"
#include "mallow.h"
#include "report.h"

typedef void (*handler)(void);

__attribute__((weak)) handler _ZSt15get_new_handlerv(void);
__attribute__((weak, noreturn)) void _ZSt17__throw_bad_allocv(void);

#ifdef MALLOW_PRELOAD
#    include <dlfcn.h>

/* Only when memory is out: this may take the loader's lock. */
static void *find_in_runtime(const char *name, const void *caller) {
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) found = dlsym(RTLD_DEFAULT, name);
    Dl_info object;
    if (found != NULL || dladdr(caller, &object) == 0) return found;
    void *handle = dlopen(object.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == NULL) return NULL;
    found = dlsym(handle, name);
    dlclose(handle); /* the caller itself keeps it loaded */
    return found;
}
#else
static void *find_in_runtime(const char *name, const void *caller) {
    (void)name, (void)caller;
    return NULL;
}
#endif

/* The program's new-handler, or NULL. */
static handler current_handler(const void *caller) {
    handler (*get)(void) = _ZSt15get_new_handlerv;
    if (get == NULL) *(void **)&get = find_in_runtime("_ZSt15get_new_handlerv", caller);
    return get == NULL ? NULL : get();
}

static void throw_bad_alloc(const void *caller) {
    handler throw = _ZSt17__throw_bad_allocv;
    if (throw == NULL) *(void **)&throw = find_in_runtime("_ZSt17__throw_bad_allocv", caller);
    if (throw != NULL) throw();
    report_warning("operator new: out of memory, and no C++ runtime to throw", "", 0, "");
    abort();
}

static void *new_once(size_t align, size_t size, const void *caller) {
    return align == 0 ? alloc_for(size, caller) : memalign_for(align, size, caller);
}

/* As the standard says: call the handler and try again, until there is none. */
static NOINLINE void *new_after_failure(size_t align, size_t size, const void *caller) {
    for (;;) {
        handler h = current_handler(caller);
        if (h == NULL)
            throw_bad_alloc(caller);
        else
            h();
        void *p = new_once(align, size, caller);
        if (p != NULL) return p;
    }
}

/* The handler may throw and this must not: the runtime's own form catches, and calls our
 * throwing form. */
static NOINLINE void *nothrow_after_failure(size_t align, size_t size, const void *tag,
                                            const void *caller) {
    void *(*plain)(size_t, const void *);
    void *(*aligned)(size_t, size_t, const void *);
    *(void **)&plain = find_in_runtime("_ZnwmRKSt9nothrow_t", caller);
    *(void **)&aligned = find_in_runtime("_ZnwmSt11align_val_tRKSt9nothrow_t", caller);
    if (plain == NULL || aligned == NULL) return NULL;
    return align == 0 ? plain(size, tag) : aligned(size, align, tag);
}

ALWAYS_INLINE void *fast_new(size_t size) {
    return likely(size <= SMALL_MAX) ? fast_take(small_magazine(size)) : NULL;
}

static void *plain_new(size_t size) {
    void *p = fast_new(size);
    if (unlikely(p == NULL)) p = alloc_for(size, __builtin_return_address(0));
    return likely(p != NULL) ? p : new_after_failure(0, size, __builtin_return_address(0));
}

static void *aligned_new(size_t size, size_t align) {
    void *p = memalign_for(align, size, __builtin_return_address(0));
    return likely(p != NULL) ? p : new_after_failure(align, size, __builtin_return_address(0));
}

static void aligned_delete(void *p, size_t align) {
    (void)align;
    mallow_free(p);
}

#define CXX_ALIAS(name) __attribute__((alias(#name))) EXPORT

void *_Znwm(size_t) CXX_ALIAS(plain_new);
void *_ZnwmSt11align_val_t(size_t, size_t) CXX_ALIAS(aligned_new);
void _ZdlPv(void *) CXX_ALIAS(mallow_free);
void _ZdlPvSt11align_val_t(void *, size_t) CXX_ALIAS(aligned_delete);

/*
 * A program may replace these four alone, and then expects the other forms to go through its own,
 * as the standard's default versions do. So the others jump by name, and the loader decides.
 * Sizes that the caller tells are checked in check mode alone.
 */
EXPORT void *_Znam(size_t size) { return _Znwm(size); }
EXPORT void *_ZnamSt11align_val_t(size_t size, size_t align) {
    return _ZnwmSt11align_val_t(size, align);
}

/* A program's own may throw, which the forms below must not let through. */
static bool is_ours(void *resolved, void *own) {
    void *volatile by_loader = resolved; /* or the compiler takes the alias for the same */
    return by_loader == own;
}

EXPORT void *_ZnwmRKSt9nothrow_t(size_t size, const void *tag) {
    bool ours = is_ours((void *)_Znwm, (void *)plain_new);
    void *p = ours ? alloc_for(size, __builtin_return_address(0)) : NULL;
    return p != NULL ? p : nothrow_after_failure(0, size, tag, __builtin_return_address(0));
}

EXPORT void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size, size_t align, const void *tag) {
    bool ours = is_ours((void *)_ZnwmSt11align_val_t, (void *)aligned_new);
    void *p = ours ? memalign_for(align, size, __builtin_return_address(0)) : NULL;
    return p != NULL ? p : nothrow_after_failure(align, size, tag, __builtin_return_address(0));
}

EXPORT void *_ZnamRKSt9nothrow_t(size_t size, const void *tag) {
    return _ZnwmRKSt9nothrow_t(size, tag);
}
EXPORT void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t size, size_t align, const void *tag) {
    return _ZnwmSt11align_val_tRKSt9nothrow_t(size, align, tag);
}

#define DELETE(name, ...) \
    EXPORT void name(void *p, ##__VA_ARGS__) { _ZdlPv(p); }
#define DELETE_ALIGNED(name, ...) \
    EXPORT void name(void *p, ##__VA_ARGS__) { _ZdlPvSt11align_val_t(p, align); }
#pragma GCC diagnostic ignored "-Wunused-parameter"

DELETE(_ZdaPv)
DELETE(_ZdlPvm, size_t size)
DELETE(_ZdaPvm, size_t size)
DELETE(_ZdlPvRKSt9nothrow_t, const void *tag)
DELETE(_ZdaPvRKSt9nothrow_t, const void *tag)
DELETE_ALIGNED(_ZdaPvSt11align_val_t, size_t align)
DELETE_ALIGNED(_ZdlPvmSt11align_val_t, size_t size, size_t align)
DELETE_ALIGNED(_ZdaPvmSt11align_val_t, size_t size, size_t align)
DELETE_ALIGNED(_ZdlPvSt11align_val_tRKSt9nothrow_t, size_t align, const void *tag)
DELETE_ALIGNED(_ZdaPvSt11align_val_tRKSt9nothrow_t, size_t align, const void *tag)
