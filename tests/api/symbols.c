/* One library defines all functions that allocate or free, so that blocks of two allocators never
 * mix. */
#define _GNU_SOURCE
#include "check.h"

static const char *const libc_names[] = {
    "malloc",
    "free",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "malloc_usable_size",
    "malloc_trim",
    "malloc_stats",
    "malloc_info",
    "mallinfo",
    "mallinfo2",
    "mallopt",
    "__libc_malloc",
    "__libc_free",
    "__libc_calloc",
    "__libc_realloc",
    "__libc_reallocarray",
    "__libc_memalign",
    "__libc_valloc",
    "__libc_pvalloc",
    "__libc_mallinfo",
    "__libc_mallopt",
};

/* The names of C23 and C++, those that libc keeps only for old programs, and Mallow's own. */
static const char *const further_names[] = {
    "cfree",
    "free_sized",
    "free_aligned_sized",
    "_Znwm",
    "_Znam",
    "_ZnwmRKSt9nothrow_t",
    "_ZnamRKSt9nothrow_t",
    "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t",
    "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t",
    "_ZdlPv",
    "_ZdaPv",
    "_ZdlPvm",
    "_ZdaPvm",
    "_ZdlPvRKSt9nothrow_t",
    "_ZdaPvRKSt9nothrow_t",
    "_ZdlPvSt11align_val_t",
    "_ZdaPvSt11align_val_t",
    "_ZdlPvmSt11align_val_t",
    "_ZdaPvmSt11align_val_t",
    "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    "_ZdaPvSt11align_val_tRKSt9nothrow_t",
    "mallow_malloc",
    "mallow_calloc",
    "mallow_realloc",
    "mallow_free",
    "mallow_memalign",
    "mallow_usable_size",
};

static void *library_of(const char *name) {
    void *address = dlsym(RTLD_DEFAULT, name);
    Dl_info info;
    return address != NULL && dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

static void check_names(const char *const *names, size_t count) {
    void *expected = library_of("malloc");
    for (size_t i = 0; i < count; i++) {
        if (library_of(names[i]) != expected)
            check_failed("%s is not defined where malloc is\n", names[i]);
    }
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int main(void) {
    check_names(libc_names, COUNT(libc_names));
    if (running_on_mallow()) check_names(further_names, COUNT(further_names));
}
