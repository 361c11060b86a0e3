#include "libc.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

/* The look-up may allocate, and the allocator copies and compares. */
static _Thread_local bool looking;

void *libc_find(struct libc_function *function) {
    if (looking && function->fallback != NULL) return function->fallback;
    bool nested = looking;
    int before = errno;
    looking = true;
    void *address = dlsym(RTLD_NEXT, function->name);
    looking = nested;
    errno = before;
    __atomic_store_n(&function->address, address, __ATOMIC_RELAXED);
    return address;
}

extern struct libc_function __start_libc_functions[] __attribute__((visibility("hidden")));
extern struct libc_function __stop_libc_functions[] __attribute__((visibility("hidden")));

/* Later it could deadlock: a look-up in a signal handler, or in the child of a fork, waits for the
 * loader's lock. */
__attribute__((constructor(101))) static void find_all(void) {
    struct libc_function *function = __start_libc_functions;
    for (; function < __stop_libc_functions; function++) libc_find(function);
}
