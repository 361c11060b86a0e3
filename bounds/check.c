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

__attribute__((constructor)) static void check_begin(void) {
    extern const char __ehdr_start[] __attribute__((visibility("hidden")));
    extern const char _end[] __attribute__((visibility("hidden")));
    if (mallow_check_begin != NULL) mallow_check_begin(__ehdr_start, _end);
}
