#include "heap/mode.h"

NOINLINE APART void *mode_malloc(size_t size, const struct magazine_entry *sentinel) {
    (void)sentinel;
    return mode_now()->alloc(&(struct alloc_request){.size = size, .align = 1, CALLED_HERE});
}

NOINLINE void mode_free(void *p, enum family family) {
    mode_free_request(p, &(struct free_request){.family = family, CALLED_HERE});
}

void mode_free_request(void *p, const struct free_request *request) {
    if (p != NULL) mode_now()->free_request(p, request);
}

RARE bool mode_usable_size(const void *p, size_t *usable) {
    for (const struct mode *mode = mode_now(); mode != NULL; mode = mode_below(mode))
        if (mode->usable_size != NULL && mode->usable_size(p, usable)) return true;
    return false;
}

bool mode_relieve(struct heap *heap) {
    bool some = false;
    for (const struct mode *mode = mode_now(); mode != NULL; mode = mode_below(mode))
        if (mode->relieve != NULL) some |= mode->relieve(heap);
    return some;
}
