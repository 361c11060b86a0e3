/* A block is freed with a wrong size or alignment, or by the function of another family. It may
 * then be handed out as a larger block than it is. */
#include "wide.h"

/* Returns a block between others, so that something follows it. */
static char *among(size_t size) {
    char *p = NULL;
    for (size_t i = 0; i < some(size, 8); i++) {
        char *q = obtain(size);
        if (i == some(size, 8) / 2) p = q;
    }
    return p;
}

static void profit_twice(size_t size, size_t claimed) {
    profit(claimed);
    profit(size);
}

/* Returns 1, SIZE + 1, SIZE - 1, or HOW percent of SIZE. */
static size_t claim(size_t size, long how) {
    switch (how) {
    case 0:
        return 1;
    case 1:
        return size + 1;
    case -1:
        return size - 1;
    default:
        return size * (size_t)how / 100;
    }
}

static void sized_free(size_t size, long how) {
    char *p = among(size);
    disown(p);
    free_with_size(p, claim(size, how));
    profit_twice(size, claim(size, how));
}

static void sized_delete(size_t size, long how) {
    char *p = _Znwm(size);
    obtain(size);
    _ZdlPvm(p, claim(size, how));
    profit_twice(size, claim(size, how));
}

static void aligned_free(size_t size, long how) {
    char *p = aligned_alloc(64, size);
    obtain(size);
    free_with_alignment(p, (size_t)how, size);
    profit(size);
}

static void aligned_delete(size_t size, long how) {
    char *p = _ZnwmSt11align_val_t(size, 64);
    obtain(size);
    if (how == 0)
        _ZdlPv(p);
    else
        _ZdlPvSt11align_val_t(p, (size_t)how);
    profit(size);
}

enum { MALLOC, NEW, NEW_ARRAY, FAMILIES };

static void family(size_t size, long how) {
    void *(*const obtain_by[])(size_t) = {malloc, _Znwm, _Znam};
    void (*const free_by[])(void *) = {free, _ZdlPv, _ZdaPv};
    char *p = obtain_by[how / FAMILIES](size);
    obtain(size);
    free_by[how % FAMILIES](p);
    profit(size);
}

const struct misuse mismatches[] = {
    {"sized_free_1", sized_free, 0},
    {"sized_free_more", sized_free, 1},
    {"sized_free_half", sized_free, 50},
    {"sized_free_double", sized_free, 200},
    {"sized_delete_1", sized_delete, 0},
    {"sized_delete_more", sized_delete, 1},
    {"sized_delete_half", sized_delete, 50},
    {"sized_delete_double", sized_delete, 200},
    {"aligned_free", aligned_free, 128},
    {"aligned_delete_plain", aligned_delete, 0},
    {"malloc_delete", family, MALLOC *FAMILIES + NEW},
    {"new_free", family, NEW *FAMILIES + MALLOC},
    {"new_array_delete", family, NEW_ARRAY *FAMILIES + NEW},
    {0},
};
