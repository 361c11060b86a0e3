/* The plain mode: the heap's own blocks, with nothing added. */
#include <string.h>

#include "base/compiler.h"
#include "check/modes.h"
#include "check/sized_free.h"
#include "heap/alloc.h"
#include "mallow.h"

static void *plain_malloc(size_t size, const struct magazine_entry *sentinel) {
    (void)sentinel;
    bool zeroed;
    return alloc_plain(size, 1, &zeroed);
}

static void plain_free(void *p, enum family family) {
    (void)family;
    if (p != NULL) free_plain(p, __builtin_return_address(0));
}

static void *plain_alloc(const struct alloc_request *request) {
    bool zeroed;
    void *p = alloc_plain(request->size, request->align, &zeroed);
    if (p == NULL || !request->zero || zeroed || request->size == 0) return p;
    return memset(p, 0, mallow_usable_size(p));
}

static void plain_free_request(void *p, const struct free_request *request) {
    if (request->has_size) sized_free_check_plain(p, request);
    free_plain(p, request->caller);
}

static void *plain_resize_in_place(void *p, size_t before, size_t size, bool may_move) {
    (void)before;
    return may_move ? realloc_plain_in_place(p, size) : NULL;
}

struct mode plain_mode = {
    .malloc = plain_malloc,
    .free = plain_free,
    .alloc = plain_alloc,
    .free_request = plain_free_request,
    .resize = realloc_plain,
    .resize_in_place = plain_resize_in_place,
};
