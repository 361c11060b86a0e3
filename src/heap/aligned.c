/* The functions that allocate with an alignment, each with the rules of its manual page. */
#include <errno.h>

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "heap/alloc.h"
#include "heap/fast.h"
#include "heap/mode.h"
#include "mallow.h"
#include "os/os.h"

static bool aligned_is_power_of_two(size_t n) { return n != 0 && (n & (n - 1)) == 0; }

ALWAYS_INLINE void *aligned_or_plain(size_t align, size_t size) {
    if (align <= UNIT && mode_is_plain()) return mallow_malloc(size);
    return alloc_aligned(align, size, __builtin_return_address(0));
}

static void *aligned_fail(int e) {
    errno = e;
    return NULL;
}

/* Passes a call that fails to the mode, because mtrace(3) logs it. */
static void aligned_refuse(size_t size, const void *caller) {
    if (mode_is_plain()) return;
    mode_now()->alloc(&(struct alloc_request){
        .size = SIZE_MAX, .align = 1, .caller = caller, .has_logged = true, .logged = size});
}

EXPORT_OWN void *mallow_memalign(size_t align, size_t size) {
    if (align > SIZE_MAX / 2 + 1) {
        aligned_refuse(size, __builtin_return_address(0));
        return aligned_fail(EINVAL);
    }
    if (!aligned_is_power_of_two(align)) {
        size_t power = UNIT;
        while (power < align) power *= 2;
        align = power;
    }
    return aligned_or_plain(align, size);
}

EXPORT_OWN void *mallow_aligned_alloc(size_t align, size_t size) {
    return aligned_is_power_of_two(align) ? aligned_or_plain(align, size) : aligned_fail(EINVAL);
}

EXPORT_OWN int mallow_posix_memalign(void **result, size_t align, size_t size) {
    if (align % sizeof(void *) != 0 || !aligned_is_power_of_two(align)) return EINVAL;
    void *p = aligned_or_plain(align, size);
    if (p == NULL) return ENOMEM;
    *result = p;
    return 0;
}

EXPORT_OWN void *mallow_valloc(size_t size) { return aligned_or_plain(os_page_size(), size); }

EXPORT_OWN void *mallow_pvalloc(size_t size) {
    size_t page = os_page_size();
    if (size > PTRDIFF_MAX) return aligned_fail(ENOMEM);
    size_t pages = round_up(max_size(size, 1), page);
    if (mode_is_plain()) return aligned_or_plain(page, pages);
    return mode_now()->alloc(&(struct alloc_request){
        .size = pages,
        .align = page,
        .caller = __builtin_return_address(0),
        /* libc logs this value. Its mask is -(page - 1) instead of -page, by mistake. */
        .has_logged = true,
        .logged = (size + page - 1) & -(page - 1),
    });
}
