#include "check.h"

void check_fail(struct site site, enum mallow_access access, const void *p, size_t bytes) {
    mallow_check_failed(&(struct mallow_failure){
        .function = site.function,
        .caller = site.caller,
        .access = access,
        .p = p,
        .length = bytes,
    });
}

void check_fail_overlap(struct site site, const void *to, const void *from, size_t bytes) {
    if (mallow_check_failed == NULL) return;
    mallow_check_failed(&(struct mallow_failure){
        .function = site.function,
        .caller = site.caller,
        .access = MALLOW_OVERLAP,
        .p = to,
        .from = from,
        .length = bytes,
    });
}
