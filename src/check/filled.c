/* Fills plain blocks: with a pattern when they are allocated and freed (M_PERTURB), or with zeros
 * when they are freed (zero_on_free, and check=hard, where all free memory must be zero). */
#include <string.h>

#include "base/settings.h"
#include "check/modes.h"
#include "check/resize.h"
#include "check/sized_free.h"
#include "heap/alloc.h"
#include "heap/find.h"
#include "mallow.h"

static bool filled_has_pattern(void) { return (settings.modes & MODE_FILL) != 0; }

static void *filled_alloc(const struct alloc_request *request) {
    bool zeroed;
    void *p = alloc_plain(request->size, request->align, &zeroed);
    if (p == NULL || (request->zero ? zeroed : !filled_has_pattern())) return p;
    return memset(p, request->zero ? 0 : settings.perturb ^ 0xff, mallow_usable_size(p));
}

/* Does nothing if p is not a block in use, which free_plain reports, or if it is a mapping, whose
 * pages all go back to the system. */
static void filled_fill_freed(void *p) {
    bool zero = (settings.modes & (MODE_ZERO | MODE_HARD)) != 0;
    struct block_ref block = find_block(p);
    if (block.kind == BLOCK_NONE || block.kind == BLOCK_MAPPING) return;
    memset(p, zero ? 0 : settings.perturb, block.usable);
}

static void filled_free_request(void *p, const struct free_request *request) {
    if (request->has_size) sized_free_check_plain(p, request);
    filled_fill_freed(p);
    free_plain(p, request->caller);
}

static void *filled_resize_in_place(void *p, size_t before, size_t size, bool may_move) {
    (void)before;
    return may_move && settings.check != CHECK_HARD ? realloc_plain_in_place(p, size) : NULL;
}

struct mode filled_mode = {
    .malloc = mode_malloc,
    .free = mode_free,
    .alloc = filled_alloc,
    .free_request = filled_free_request,
    .resize = resize_checked,
    .resize_in_place = filled_resize_in_place,
};
