/* The operating system that refuses. */
#ifndef FAILING_OS_H
#define FAILING_OS_H

#include <stdbool.h>

/* The functions of os.h that may fail, in the order of `os_call_names`. */
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
    OS_CALLS,
    OS_ANY = OS_CALLS
};
extern const char *const os_call_names[OS_CALLS];

/* From now on calls of the kind (OS_ANY: of all) are counted from 1, and `first` to `last` fail. */
void os_fail(enum os_call kind, long first, long last);

/* The same, but the failing call looks like a success, as to a caller that does not ask. */
void os_fail_unnoticed(enum os_call kind, long first, long last);

long os_calls_made(void); /* since then, of the kind */
long os_calls_failed(void);

long os_failed_ever(enum os_call kind);

#endif
