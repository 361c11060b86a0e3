/*
 * C++'s operator new and delete, all forms, by their names in the Itanium ABI. They allocate as
 * malloc does; failing is C++'s business, so the runtime's own functions are called for that:
 * found when the program brings a C++ runtime, in the global scope or beside the caller.
 */
#include <stdlib.h>

#include "api/cxx_api.h"
#include "check/hard.h"
#include "check/special.h"
#include "config.h"
#include "heap/alloc.h"
#include "heap/fast.h"
#include "mallow.h"
#include "os/os.h"
#include "process/settings.h"
#include "report/report.h"

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

static void *new_once(const struct ask *ask) {
    if (unlikely(settings.special != 0)) {
        struct ask rounded = *ask;
        while ((rounded.align & (rounded.align - 1)) != 0 || rounded.align == 0)
            rounded.align += rounded.align == 0 ? 1 : rounded.align & -rounded.align;
        return special_alloc(&rounded);
    }
    return ask->align == 1 ? mallow_malloc(ask->size) : mallow_memalign(ask->align, ask->size);
}

/* As the standard says: call the handler and try again, until there is none. */
static void *new_until_it_works(const struct ask *ask) {
    for (;;) {
        void *p = new_once(ask);
        if (p != NULL) return p;
        handler h = current_handler(ask->caller);
        if (h == NULL)
            throw_bad_alloc(ask->caller);
        else
            h();
    }
}

static NOINLINE void *new_slow(size_t size) {
    return new_until_it_works(
        &(struct ask){.size = size, .align = 1, .family = FAMILY_NEW, CALLED_HERE});
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
    return align == 1 ? plain(size, tag) : aligned(size, align, tag);
}

ALWAYS_INLINE void *fast_new(size_t size) {
    return likely(size <= SMALL_MAX) ? fast_take(small_magazine(size)) : NULL;
}

static void *plain_new(size_t size) {
    void *p = fast_new(size);
    return likely(p != NULL) ? p : new_slow(size);
}

static void *aligned_new(size_t size, size_t align) {
    return new_until_it_works(
        &(struct ask){.size = size, .align = align, .family = FAMILY_NEW, CALLED_HERE});
}

static NOINLINE void delete_slow(void *p) {
    if (settings.special == SPECIAL_HARD && hard_free(p)) return;
    free_told(p, &(struct release){.family = FAMILY_NEW, CALLED_HERE});
}

static void plain_delete(void *p) {
    if (likely(fast_give(p) == FAST_DONE)) return;
    delete_slow(p);
}

static void aligned_delete(void *p, size_t align) {
    if (likely(fast_give(p) == FAST_DONE)) return;
    free_told(p, &(struct release){.family = FAMILY_NEW,
                                   WITH_ALIGN(align),
                                   .caller = __builtin_return_address(0)});
}

#define CXX_ALIAS(name) __attribute__((alias(#name))) EXPORT

void *_Znwm(size_t) CXX_ALIAS(plain_new);
void *_ZnwmSt11align_val_t(size_t, size_t) CXX_ALIAS(aligned_new);
void _ZdlPv(void *) CXX_ALIAS(plain_delete);
void _ZdlPvSt11align_val_t(void *, size_t) CXX_ALIAS(aligned_delete);

/* A program's own, or not. */
static bool is_ours(void *resolved, void *own) {
    void *volatile by_loader = resolved; /* or the compiler takes the alias for the same */
    return by_loader == own;
}

/*
 * A program may replace these four alone, and then expects the other forms to go through its own,
 * as the standard's default versions do. So the others jump by name, and the loader decides.
 *
 * They jump through a table that the loader fills in and makes read-only. What they are told beside
 * the pointer is passed on, though nobody looks at it: in the modes that check it the table is
 * exchanged, once (cxx_check).
 */
struct routes {
    void *(*new_array)(size_t);
    void *(*new_array_aligned)(size_t, size_t);
    void (*delete_array)(void *);
    void (*delete_sized)(void *, size_t);
    void (*delete_array_sized)(void *, size_t);
    void (*delete_array_aligned)(void *, size_t);
    void (*delete_sized_aligned)(void *, size_t, size_t);
    void (*delete_array_sized_aligned)(void *, size_t, size_t);
};

#define PLAIN_DELETE(...) (void (*)(__VA_ARGS__))(void *) _ZdlPv
#define ALIGNED_DELETE(...) (void (*)(__VA_ARGS__))(void *) _ZdlPvSt11align_val_t

static const struct routes default_routes __attribute__((section(".data.rel.ro"))) = {
    _Znwm,
    _ZnwmSt11align_val_t,
    _ZdlPv,
    PLAIN_DELETE(void *, size_t),
    PLAIN_DELETE(void *, size_t),
    _ZdlPvSt11align_val_t,
    ALIGNED_DELETE(void *, size_t, size_t),
    ALIGNED_DELETE(void *, size_t, size_t),
};
/* Read each time: the compiler takes the table for constant. */
#define route (*(const volatile struct routes *)&default_routes)

EXPORT void *_Znam(size_t size) { return route.new_array(size); }
EXPORT void *_ZnamSt11align_val_t(size_t size, size_t align) {
    return route.new_array_aligned(size, align);
}

static NOINLINE void delete_sized_slow(void *p, size_t size) {
    free_told(p, &(struct release){.family = FAMILY_NEW, WITH_SIZE(size), CALLED_HERE});
}

/* A size that the block cannot have is found in every mode. */
ALWAYS_INLINE void delete_sized(void *p, size_t size, void (*way)(void *, size_t)) {
    if (unlikely((void *)way != (void *)plain_delete))
        way(p, size);
    else if (unlikely(fast_give_told(p, size) != FAST_DONE))
        delete_sized_slow(p, size);
}

/* A program's own may throw, which the forms below must not let through. */
static void *nothrow_new(void *resolved, void *own, const struct ask *ask, const void *tag) {
    void *p = is_ours(resolved, own) ? new_once(ask) : NULL;
    return p != NULL ? p : nothrow_after_failure(ask->align, ask->size, tag, ask->caller);
}

#define COMMA ,
#define NOTHROW(name, its_align, its_family, resolved, own, more)         \
    EXPORT void *name(size_t size more, const void *tag) {                \
        struct ask ask = {.size = size,                                   \
                          .align = its_align,                             \
                          .family = its_family,                           \
                          .caller = __builtin_return_address(0)};         \
        return nothrow_new((void *)(resolved), (void *)(own), &ask, tag); \
    }

NOTHROW(_ZnwmRKSt9nothrow_t, 1, FAMILY_NEW, _Znwm, plain_new, )
NOTHROW(_ZnamRKSt9nothrow_t, 1, FAMILY_NEW_ARRAY, _Znwm, plain_new, )
NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t, align, FAMILY_NEW, _ZnwmSt11align_val_t, aligned_new,
        COMMA size_t align)
NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t, align, FAMILY_NEW_ARRAY, _ZnwmSt11align_val_t,
        aligned_new, COMMA size_t align)

#pragma GCC diagnostic ignored "-Wunused-parameter"

EXPORT void _ZdaPv(void *p) { route.delete_array(p); }
EXPORT void _ZdlPvm(void *p, size_t size) { delete_sized(p, size, route.delete_sized); }
EXPORT void _ZdaPvm(void *p, size_t size) { delete_sized(p, size, route.delete_array_sized); }
EXPORT void _ZdlPvRKSt9nothrow_t(void *p, const void *tag) { _ZdlPv(p); }
EXPORT void _ZdaPvRKSt9nothrow_t(void *p, const void *tag) { route.delete_array(p); }
EXPORT void _ZdaPvSt11align_val_t(void *p, size_t align) { route.delete_array_aligned(p, align); }
EXPORT void _ZdlPvmSt11align_val_t(void *p, size_t size, size_t align) {
    route.delete_sized_aligned(p, align, size);
}
EXPORT void _ZdaPvmSt11align_val_t(void *p, size_t size, size_t align) {
    route.delete_array_sized_aligned(p, align, size);
}
EXPORT void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *p, size_t align, const void *tag) {
    _ZdlPvSt11align_val_t(p, align);
}
EXPORT void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *p, size_t align, const void *tag) {
    route.delete_array_aligned(p, align);
}

/* ---- the routes of modes that look at what is told ---- */

#define CHECKED_NEW(name, its_align, ...)                                                \
    static void *name(size_t size, ##__VA_ARGS__) {                                      \
        return new_until_it_works(&(struct ask){                                         \
            .size = size, .align = its_align, .family = FAMILY_NEW_ARRAY, CALLED_HERE}); \
    }
#define CHECKED_DELETE(name, its_family, parameters, ...)                               \
    static void name parameters {                                                       \
        free_told(p, &(struct release){.family = its_family, __VA_ARGS__ CALLED_HERE}); \
    }
#define SIZE WITH_SIZE(size),
#define ALIGN WITH_ALIGN(align),

CHECKED_NEW(checked_new_array, 1)
CHECKED_NEW(checked_new_array_aligned, align, size_t align)
CHECKED_DELETE(checked_delete_array, FAMILY_NEW_ARRAY, (void *p))
CHECKED_DELETE(checked_delete_sized, FAMILY_NEW, (void *p, size_t size), SIZE)
CHECKED_DELETE(checked_delete_array_sized, FAMILY_NEW_ARRAY, (void *p, size_t size), SIZE)
CHECKED_DELETE(checked_delete_array_aligned, FAMILY_NEW_ARRAY, (void *p, size_t align), ALIGN)
CHECKED_DELETE(checked_delete_sized_aligned, FAMILY_NEW, (void *p, size_t align, size_t size),
               SIZE ALIGN)
CHECKED_DELETE(checked_delete_array_sized_aligned, FAMILY_NEW_ARRAY,
               (void *p, size_t align, size_t size), SIZE ALIGN)

RARE void cxx_check(void) {
    struct routes checked = default_routes;
    if (is_ours((void *)_Znwm, (void *)plain_new)) checked.new_array = checked_new_array;
    if (is_ours((void *)_ZnwmSt11align_val_t, (void *)aligned_new))
        checked.new_array_aligned = checked_new_array_aligned;
    if (is_ours((void *)_ZdlPv, (void *)plain_delete)) {
        checked.delete_array = checked_delete_array;
        checked.delete_sized = checked_delete_sized;
        checked.delete_array_sized = checked_delete_array_sized;
    }
    if (is_ours((void *)_ZdlPvSt11align_val_t, (void *)aligned_delete)) {
        checked.delete_array_aligned = checked_delete_array_aligned;
        checked.delete_sized_aligned = checked_delete_sized_aligned;
        checked.delete_array_sized_aligned = checked_delete_array_sized_aligned;
    }
    os_write_protected((void *)(uintptr_t)&default_routes, &checked, sizeof checked);
}

/* After the settings were read (start.c). */
__attribute__((constructor(102))) static void loaded_routes(void) {
    if (settings.check != CHECK_FREE) cxx_check();
}
