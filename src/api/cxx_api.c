/*
 * C++'s operators new and delete in all forms, by their names in the Itanium ABI. They allocate as
 * malloc does. When they fail, they call the functions of the C++ runtime, if the program has one.
 * It may be in the global scope or in the scope of the caller.
 */
#include <stdlib.h>

#include "api/cxx_api.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/settings.h"
#include "heap/alloc.h"
#include "heap/counting.h"
#include "heap/fast.h"
#include "heap/mode.h"
#include "mallow.h"
#include "os/os.h"
#include "report/report.h"

typedef void (*cxx_handler)(void);

__attribute__((weak)) cxx_handler _ZSt15get_new_handlerv(void);
__attribute__((weak, noreturn)) void _ZSt17__throw_bad_allocv(void);

#ifdef MALLOW_PRELOAD
#    include <dlfcn.h>

/* Finds a function of the C++ runtime. This may take the loader's lock, so it is done only when an
 * allocation has failed or the program has replaced an operator. */
static void *cxx_find_in_runtime(const char *name, const void *caller) {
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
static void *cxx_find_in_runtime(const char *name, const void *caller) {
    (void)name, (void)caller;
    return NULL;
}
#endif

/* Returns the program's new-handler, or NULL. */
static cxx_handler cxx_current_handler(const void *caller) {
    cxx_handler (*get)(void) = _ZSt15get_new_handlerv;
    if (get == NULL) *(void **)&get = cxx_find_in_runtime("_ZSt15get_new_handlerv", caller);
    return get == NULL ? NULL : get();
}

static void cxx_throw_bad_alloc(const void *caller) {
    cxx_handler throw = _ZSt17__throw_bad_allocv;
    if (throw == NULL) *(void **)&throw = cxx_find_in_runtime("_ZSt17__throw_bad_allocv", caller);
    if (throw != NULL) throw();
    report_warning("operator new: out of memory, and there is no C++ runtime to throw an exception",
                   "", 0, "");
    abort();
}

static void *cxx_new_once(const struct alloc_request *request) {
    if (!mode_is_plain()) {
        struct alloc_request rounded = *request;
        while ((rounded.align & (rounded.align - 1)) != 0 || rounded.align == 0)
            rounded.align += rounded.align == 0 ? 1 : rounded.align & -rounded.align;
        return mode_now()->alloc(&rounded);
    }
    return request->align == 1 ? mallow_malloc(request->size)
                               : mallow_memalign(request->align, request->size);
}

/* Follows the C++ standard: while there is a new-handler, calls it and tries again. */
static void *cxx_new_until_success(const struct alloc_request *request) {
    for (;;) {
        void *p = cxx_new_once(request);
        if (p != NULL) return p;
        cxx_handler h = cxx_current_handler(request->caller);
        if (h == NULL)
            cxx_throw_bad_alloc(request->caller);
        else
            h();
    }
}

/* sentinel: of the empty magazine for the size. */
static NOINLINE void *cxx_new_slow(size_t size, const struct magazine_entry *sentinel) {
    void *p = counting_take(sentinel);
    if (p != NULL) return p;
    return cxx_new_until_success(
        &(struct alloc_request){.size = size, .align = 1, .family = FAMILY_NEW, CALLED_HERE});
}

static NOINLINE void *cxx_new_medium(size_t size) {
    if (size > SLOT_MAX) return cxx_new_slow(size, heap_no_entries);
    struct magazine *magazine = fast_magazine_any(size);
    void *p = fast_take(magazine);
    return p != NULL ? p : cxx_new_slow(size, magazine->top);
}

static void *cxx_new(size_t size) {
    if (unlikely(size > TINY_MAX)) return cxx_new_medium(size);
    struct magazine *magazine = fast_magazine(size);
    void *p = fast_take(magazine);
    return likely(p != NULL) ? p : cxx_new_slow(size, magazine->top);
}

static void *cxx_new_aligned(size_t size, size_t align) {
    return cxx_new_until_success(
        &(struct alloc_request){.size = size, .align = align, .family = FAMILY_NEW, CALLED_HERE});
}

static void cxx_delete(void *p) {
    if (likely(fast_give(p) == FAST_DONE)) return;
    mode_now()->free(p, FAMILY_NEW);
}

static void cxx_delete_aligned(void *p, size_t align) {
    if (likely(fast_give(p) == FAST_DONE)) return;
    mode_free_request(p, &(struct free_request){.family = FAMILY_NEW,
                                                WITH_ALIGN(align),
                                                .caller = __builtin_return_address(0)});
}

/* The operators are weak, so that a program that is linked with the static library may define its
 * own, and so that no compiler assumes that a call by name reaches the function in this file. */
#define REPLACEABLE __attribute__((weak)) EXPORT
#define CXX_ALIAS(name) __attribute__((alias(#name))) REPLACEABLE

void *_Znwm(size_t) CXX_ALIAS(cxx_new);
void *_ZnwmSt11align_val_t(size_t, size_t) CXX_ALIAS(cxx_new_aligned);
void _ZdlPv(void *) CXX_ALIAS(cxx_delete);
void _ZdlPvSt11align_val_t(void *, size_t) CXX_ALIAS(cxx_delete_aligned);

static void *cxx_new_array(size_t);
static void *cxx_new_array_aligned(size_t, size_t);
static void cxx_delete_array(void *);
static void cxx_delete_array_aligned(void *, size_t);

void *_Znam(size_t) CXX_ALIAS(cxx_new_array);
void *_ZnamSt11align_val_t(size_t, size_t) CXX_ALIAS(cxx_new_array_aligned);
void _ZdaPv(void *) CXX_ALIAS(cxx_delete_array);
void _ZdaPvSt11align_val_t(void *, size_t) CXX_ALIAS(cxx_delete_array_aligned);

/*
 * A program may replace only some of these eight operators. It then expects the other forms to use
 * its own, as the standard's default versions do: an array form calls the form for one object, and
 * a form with a size or std::nothrow calls the form without it. The other forms therefore jump by
 * name, and the loader decides where they lead.
 *
 * They jump through a table that the loader fills in and makes read-only. A size or an alignment is
 * passed on, although a program's own form ignores it. The modes that check these arguments
 * exchange the table once (cxx_check).
 */
struct routes {
    void *(*new_array)(size_t);
    void *(*new_array_aligned)(size_t, size_t);
    void (*delete_array)(void *);
    void (*delete_array_aligned)(void *, size_t);
    void (*delete_sized)(void *, size_t);
    void (*delete_sized_aligned)(void *, size_t, size_t);
    void (*delete_array_sized)(void *, size_t);
    void (*delete_array_sized_aligned)(void *, size_t, size_t);
    /* cxx_check leaves these as they are. */
    void (*delete_one_nothrow)(void *);
    void (*delete_one_aligned_nothrow)(void *, size_t);
    void (*delete_array_nothrow)(void *);
    void (*delete_array_aligned_nothrow)(void *, size_t);
};

#define AS_SIZED(name) (void (*)(void *, size_t))(void *) name
#define AS_SIZED_ALIGNED(name) (void (*)(void *, size_t, size_t))(void *) name

static const struct routes cxx_routes __attribute__((section(".data.rel.ro"))) = {
    .new_array = _Znwm,
    .new_array_aligned = _ZnwmSt11align_val_t,
    .delete_array = _ZdlPv,
    .delete_array_aligned = _ZdlPvSt11align_val_t,
    .delete_sized = AS_SIZED(_ZdlPv),
    .delete_sized_aligned = AS_SIZED_ALIGNED(_ZdlPvSt11align_val_t),
    .delete_array_sized = AS_SIZED(_ZdaPv),
    .delete_array_sized_aligned = AS_SIZED_ALIGNED(_ZdaPvSt11align_val_t),
    .delete_one_nothrow = _ZdlPv,
    .delete_one_aligned_nothrow = _ZdlPvSt11align_val_t,
    .delete_array_nothrow = _ZdaPv,
    .delete_array_aligned_nothrow = _ZdaPvSt11align_val_t,
};
/* Volatile, because the compiler assumes that the table is constant. */
#define ROUTE (*(const volatile struct routes *)&cxx_routes)

static void *cxx_new_array(size_t size) { return ROUTE.new_array(size); }
static void *cxx_new_array_aligned(size_t size, size_t align) {
    return ROUTE.new_array_aligned(size, align);
}
static void cxx_delete_array(void *p) { ROUTE.delete_array(p); }
static void cxx_delete_array_aligned(void *p, size_t align) {
    ROUTE.delete_array_aligned(p, align);
}

/* The functions below return true if an operator is this library's own. The volatile variable hides
 * the comparison from the compiler, which treats an alias as its target. */
static bool cxx_is_same(void *by_loader, void *own) {
    void *volatile resolved = by_loader;
    return resolved == own;
}
#define IS_OURS(name, own) cxx_is_same((void *)name, (void *)own)

static bool cxx_delete_is_ours(bool aligned) {
    return aligned ? IS_OURS(_ZdlPvSt11align_val_t, cxx_delete_aligned)
                   : IS_OURS(_ZdlPv, cxx_delete);
}

static bool cxx_delete_array_is_ours(bool aligned) {
    return cxx_delete_is_ours(aligned) &&
           (aligned ? IS_OURS(_ZdaPvSt11align_val_t, cxx_delete_array_aligned)
                    : IS_OURS(_ZdaPv, cxx_delete_array));
}

static bool cxx_new_is_ours(bool array, bool aligned) {
    bool one = aligned ? IS_OURS(_ZnwmSt11align_val_t, cxx_new_aligned) : IS_OURS(_Znwm, cxx_new);
    if (!one || !array) return one;
    return aligned ? IS_OURS(_ZnamSt11align_val_t, cxx_new_array_aligned)
                   : IS_OURS(_Znam, cxx_new_array);
}

/*
 * cxx_frees_directly: the forms with a size that may use the fast path here. The program has
 * replaced none of the operators that such a form would jump to, and no mode needs to know which
 * form was called. Until the constructor has determined this, the forms jump.
 *
 * cxx_allocates_directly: the forms with std::nothrow that may allocate here.
 */
static struct {
    bool one, array;
    bool one_aligned, array_aligned;
} cxx_frees_directly, cxx_allocates_directly;

static void cxx_choose_direct_forms(bool may_free) {
    cxx_frees_directly.one = may_free && cxx_delete_is_ours(false);
    cxx_frees_directly.array = may_free && cxx_delete_array_is_ours(false);
    cxx_frees_directly.one_aligned = may_free && cxx_delete_is_ours(true);
    cxx_frees_directly.array_aligned = may_free && cxx_delete_array_is_ours(true);
    cxx_allocates_directly.one = cxx_new_is_ours(false, false);
    cxx_allocates_directly.array = cxx_new_is_ours(true, false);
    cxx_allocates_directly.one_aligned = cxx_new_is_ours(false, true);
    cxx_allocates_directly.array_aligned = cxx_new_is_ours(true, true);
}

static NOINLINE void cxx_delete_sized_slow(void *p, size_t size) {
    mode_free_request(p,
                      &(struct free_request){.family = FAMILY_NEW, WITH_SIZE(size), CALLED_HERE});
}

static NOINLINE void cxx_delete_sized_aligned_slow(void *p, size_t align, size_t size) {
    mode_free_request(p,
                      &(struct free_request){
                          .family = FAMILY_NEW, WITH_SIZE(size), WITH_ALIGN(align), CALLED_HERE});
}

/* Every mode detects a size that the block cannot have. */
ALWAYS_INLINE void cxx_delete_sized(void *p, size_t size, bool direct,
                                    void (*by_route)(void *, size_t)) {
    if (unlikely(!direct))
        by_route(p, size);
    else if (unlikely(fast_give_sized(p, size) != FAST_DONE))
        cxx_delete_sized_slow(p, size);
}

ALWAYS_INLINE void cxx_delete_sized_aligned(void *p, size_t align, size_t size, bool direct,
                                            void (*by_route)(void *, size_t, size_t)) {
    if (unlikely(!direct))
        by_route(p, align, size);
    else if (unlikely(fast_give_aligned(p, align, size) != FAST_DONE))
        cxx_delete_sized_aligned_slow(p, align, size);
}

/* A program that is linked with the static library uses the std::nothrow forms of its C++ runtime,
 * which call the throwing forms by name. */
#ifdef MALLOW_PRELOAD

/* Calls the form of the C++ runtime, if there is one. That form catches exceptions of a program's
 * own operator or of a new-handler, because no exception may leave a std::nothrow form. */
static NOINLINE void *cxx_nothrow_by_runtime(bool array, const struct alloc_request *request,
                                             const void *tag) {
    void *(*plain)(size_t, const void *);
    void *(*aligned)(size_t, size_t, const void *);
    const char *name = array ? "_ZnamRKSt9nothrow_t" : "_ZnwmRKSt9nothrow_t";
    const char *aligned_name =
        array ? "_ZnamSt11align_val_tRKSt9nothrow_t" : "_ZnwmSt11align_val_tRKSt9nothrow_t";
    *(void **)&plain = cxx_find_in_runtime(name, request->caller);
    *(void **)&aligned = cxx_find_in_runtime(aligned_name, request->caller);
    if (plain == NULL || aligned == NULL) return NULL;
    return request->align == 1 ? plain(request->size, tag)
                               : aligned(request->size, request->align, tag);
}

static void *cxx_new_nothrow(bool ours, bool array, const struct alloc_request *request,
                             const void *tag) {
    void *p = ours ? cxx_new_once(request) : NULL;
    return p != NULL ? p : cxx_nothrow_by_runtime(array, request, tag);
}

#    define COMMA ,
#    define NOTHROW(name, its_align, its_family, of_array, of_aligned, form, more)            \
        REPLACEABLE void *name(size_t size more, const void *tag) {                           \
            struct alloc_request request = {.size = size,                                     \
                                            .align = its_align,                               \
                                            .family = its_family,                             \
                                            .caller = __builtin_return_address(0)};           \
            bool ours =                                                                       \
                likely(cxx_allocates_directly.form) || cxx_new_is_ours(of_array, of_aligned); \
            return cxx_new_nothrow(ours, of_array, &request, tag);                            \
        }

NOTHROW(_ZnwmRKSt9nothrow_t, 1, FAMILY_NEW, false, false, one, )
NOTHROW(_ZnamRKSt9nothrow_t, 1, FAMILY_NEW_ARRAY, true, false, array, )
NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t, align, FAMILY_NEW, false, true, one_aligned,
        COMMA size_t align)
NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t, align, FAMILY_NEW_ARRAY, true, true, array_aligned,
        COMMA size_t align)

#endif

#pragma GCC diagnostic ignored "-Wunused-parameter"

REPLACEABLE void _ZdlPvm(void *p, size_t size) {
    cxx_delete_sized(p, size, cxx_frees_directly.one, ROUTE.delete_sized);
}
REPLACEABLE void _ZdaPvm(void *p, size_t size) {
    cxx_delete_sized(p, size, cxx_frees_directly.array, ROUTE.delete_array_sized);
}
REPLACEABLE void _ZdlPvmSt11align_val_t(void *p, size_t size, size_t align) {
    cxx_delete_sized_aligned(p, align, size, cxx_frees_directly.one_aligned,
                             ROUTE.delete_sized_aligned);
}
REPLACEABLE void _ZdaPvmSt11align_val_t(void *p, size_t size, size_t align) {
    cxx_delete_sized_aligned(p, align, size, cxx_frees_directly.array_aligned,
                             ROUTE.delete_array_sized_aligned);
}
REPLACEABLE void _ZdlPvRKSt9nothrow_t(void *p, const void *tag) { ROUTE.delete_one_nothrow(p); }
REPLACEABLE void _ZdaPvRKSt9nothrow_t(void *p, const void *tag) { ROUTE.delete_array_nothrow(p); }
REPLACEABLE void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *p, size_t align, const void *tag) {
    ROUTE.delete_one_aligned_nothrow(p, align);
}
REPLACEABLE void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *p, size_t align, const void *tag) {
    ROUTE.delete_array_aligned_nothrow(p, align);
}

/* ---- the routes of the modes that check the arguments ---- */

#define CHECKED_NEW(name, its_align, ...)                                                \
    static void *name(size_t size, ##__VA_ARGS__) {                                      \
        return cxx_new_until_success(&(struct alloc_request){                            \
            .size = size, .align = its_align, .family = FAMILY_NEW_ARRAY, CALLED_HERE}); \
    }
#define CHECKED_DELETE(name, its_family, parameters, ...)                                         \
    static void name parameters {                                                                 \
        mode_free_request(p,                                                                      \
                          &(struct free_request){.family = its_family, __VA_ARGS__ CALLED_HERE}); \
    }
#define SIZE WITH_SIZE(size),
#define ALIGN WITH_ALIGN(align),

CHECKED_NEW(cxx_checked_new_array, 1)
CHECKED_NEW(cxx_checked_new_array_aligned, align, size_t align)
CHECKED_DELETE(cxx_checked_delete_array, FAMILY_NEW_ARRAY, (void *p))
CHECKED_DELETE(cxx_checked_delete_sized, FAMILY_NEW, (void *p, size_t size), SIZE)
CHECKED_DELETE(cxx_checked_delete_array_sized, FAMILY_NEW_ARRAY, (void *p, size_t size), SIZE)
CHECKED_DELETE(cxx_checked_delete_array_aligned, FAMILY_NEW_ARRAY, (void *p, size_t align), ALIGN)
CHECKED_DELETE(cxx_checked_delete_sized_aligned, FAMILY_NEW, (void *p, size_t align, size_t size),
               SIZE ALIGN)
CHECKED_DELETE(cxx_checked_delete_array_sized_aligned, FAMILY_NEW_ARRAY,
               (void *p, size_t align, size_t size), SIZE ALIGN)

RARE void cxx_check(void) {
    struct routes checked = cxx_routes;
    if (cxx_new_is_ours(false, false)) checked.new_array = cxx_checked_new_array;
    if (cxx_new_is_ours(false, true)) checked.new_array_aligned = cxx_checked_new_array_aligned;
    if (cxx_delete_is_ours(false)) {
        checked.delete_array = cxx_checked_delete_array;
        checked.delete_sized = cxx_checked_delete_sized;
    }
    if (cxx_delete_is_ours(true)) {
        checked.delete_array_aligned = cxx_checked_delete_array_aligned;
        checked.delete_sized_aligned = cxx_checked_delete_sized_aligned;
    }
    if (cxx_delete_array_is_ours(false))
        checked.delete_array_sized = cxx_checked_delete_array_sized;
    if (cxx_delete_array_is_ours(true))
        checked.delete_array_sized_aligned = cxx_checked_delete_array_sized_aligned;
    os_write_protected((void *)(uintptr_t)&cxx_routes, &checked, sizeof checked);
    cxx_choose_direct_forms(false);
}

/* Runs after start.c has read the settings. */
__attribute__((constructor(102))) static void cxx_choose_routes(void) {
    if (settings.check != CHECK_FREE)
        cxx_check();
    else
        cxx_choose_direct_forms(true);
}
