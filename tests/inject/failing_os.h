/* An operating system whose calls can be made to fail. */
#ifndef FAILING_OS_H
#define FAILING_OS_H

#include <stdbool.h>

/* The functions of os.h that can fail, in the order of `os_call_names`. */
enum os_call {
    OS_RESERVE,
    OS_COMMIT,
    OS_EXTEND,
    OS_BREAK_MOVE,
    OS_PROTECT,
    OS_PURGE,
    OS_MAP,
    OS_UNMAP,
    OS_REMAP,
    OS_MOVE_PAGES,
    OS_ADVISE_HUGE,
    OS_RESERVE_AT,
    OS_DISCARD,
    OS_MARK,
    OS_UNMARK,
    OS_REMAP_IN_PLACE,
    OS_REMAP_TO,
    OS_UNPROTECT,
    OS_CALLS,
    OS_ANY = OS_CALLS
};
extern const char *const os_call_names[OS_CALLS];

/* Counts calls of the kind (OS_ANY: all kinds) from 1. Those from `first` to `last` fail. */
void os_fail(enum os_call kind, long first, long last);

/* Like os_fail, but a failing call returns success, as for a caller that ignores failures. */
void os_fail_unnoticed(enum os_call kind, long first, long last);

long os_calls_made(void); /* of the kind, since os_fail */
long os_calls_failed(void);

long os_failed_ever(enum os_call kind);

#endif
