/* The aligned family, each with the rules of its manual page. */
#include <errno.h>

#include "alloc.h"
#include "fast.h"
#include "mallow.h"
#include "mtrace.h"
#include "os.h"
#include "settings.h"

static bool is_power_of_two(size_t n) { return n != 0 && (n & (n - 1)) == 0; }

static void *aligned_or_plain(size_t align, size_t size) {
    bool zeroed;
    return align <= UNIT ? mallow_malloc(size) : alloc_aligned(align, size, &zeroed);
}

static NOINLINE void *aligned_traced(size_t align, size_t size, size_t told, const void *caller) {
    bool zeroed;
    void *p = align <= UNIT ? alloc_untraced(size) : alloc_aligned(align, size, &zeroed);
    mtrace_alloc(p, told, caller);
    return p;
}

/* `told`: the size that mtrace(3) is told. */
static void *aligned_for(size_t align, size_t size, size_t told, const void *caller) {
    if (unlikely(settings.trace)) return aligned_traced(align, size, told, caller);
    return aligned_or_plain(align, size);
}

static void *fail_with(int e) {
    errno = e;
    return NULL;
}

void *memalign_for(size_t align, size_t size, const void *caller) {
    if (align > SIZE_MAX / 2 + 1) {
        if (unlikely(settings.trace)) mtrace_alloc(NULL, size, caller);
        return fail_with(EINVAL);
    }
    if (!is_power_of_two(align)) {
        size_t power = UNIT;
        while (power < align) power *= 2;
        align = power;
    }
    return aligned_for(align, size, size, caller);
}

EXPORT_OWN void *mallow_memalign(size_t align, size_t size) {
    return memalign_for(align, size, __builtin_return_address(0));
}

EXPORT_OWN void *mallow_aligned_alloc(size_t align, size_t size) {
    if (!is_power_of_two(align)) return fail_with(EINVAL);
    return aligned_for(align, size, size, __builtin_return_address(0));
}

EXPORT_OWN int mallow_posix_memalign(void **result, size_t align, size_t size) {
    if (align % sizeof(void *) != 0 || !is_power_of_two(align)) return EINVAL;
    void *p = aligned_for(align, size, size, __builtin_return_address(0));
    if (p == NULL) return ENOMEM;
    *result = p;
    return 0;
}

EXPORT_OWN void *mallow_valloc(size_t size) {
    return aligned_for(os_page_size(), size, size, __builtin_return_address(0));
}

EXPORT_OWN void *mallow_pvalloc(size_t size) {
    size_t page = os_page_size();
    if (size > PTRDIFF_MAX) return fail_with(ENOMEM);
    /* libc's log has this for it, one less than a page being its mask by mistake. */
    size_t told = (size + page - 1) & -(page - 1);
    return aligned_for(page, round_up(max_size(size, 1), page), told, __builtin_return_address(0));
}
