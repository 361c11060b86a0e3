/* The aligned family, each with the rules of its manual page. */
#include <errno.h>

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/mtrace.h"
#include "check/special.h"
#include "heap/alloc.h"
#include "heap/fast.h"
#include "mallow.h"
#include "os/os.h"

static bool is_power_of_two(size_t n) { return n != 0 && (n & (n - 1)) == 0; }

ALWAYS_INLINE void *aligned_or_plain(size_t align, size_t size) {
    if (align <= UNIT && likely(settings.special == 0)) return mallow_malloc(size);
    return alloc_aligned(align, size, __builtin_return_address(0));
}

static void *fail_with(int e) {
    errno = e;
    return NULL;
}

EXPORT_OWN void *mallow_memalign(size_t align, size_t size) {
    if (align > SIZE_MAX / 2 + 1) {
        if (unlikely((settings.special & SPECIAL_TRACE) != 0))
            mtrace_alloc(NULL, size, __builtin_return_address(0));
        return fail_with(EINVAL);
    }
    if (!is_power_of_two(align)) {
        size_t power = UNIT;
        while (power < align) power *= 2;
        align = power;
    }
    return aligned_or_plain(align, size);
}

EXPORT_OWN void *mallow_aligned_alloc(size_t align, size_t size) {
    return is_power_of_two(align) ? aligned_or_plain(align, size) : fail_with(EINVAL);
}

EXPORT_OWN int mallow_posix_memalign(void **result, size_t align, size_t size) {
    if (align % sizeof(void *) != 0 || !is_power_of_two(align)) return EINVAL;
    void *p = aligned_or_plain(align, size);
    if (p == NULL) return ENOMEM;
    *result = p;
    return 0;
}

EXPORT_OWN void *mallow_valloc(size_t size) { return aligned_or_plain(os_page_size(), size); }

EXPORT_OWN void *mallow_pvalloc(size_t size) {
    size_t page = os_page_size();
    if (size > PTRDIFF_MAX) return fail_with(ENOMEM);
    size_t pages = round_up(max_size(size, 1), page);
    if (likely(settings.special == 0)) return aligned_or_plain(page, pages);
    return special_alloc(&(struct ask){
        .size = pages,
        .align = page,
        .caller = __builtin_return_address(0),
        /* What libc's log has for it, one less than a page being its mask by mistake. */
        .logged = (size + page - 1) & -(page - 1),
    });
}
