/* Access to the functions of libc that this library interposes. */
#ifndef MALLOW_BOUNDS_LIBC_H
#define MALLOW_BOUNDS_LIBC_H

#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

struct libc_function {
    const char *name;
    void *address; /* NULL before the look-up */
};

/* Looks the function up, and stores and returns its address. */
void *libc_find(struct libc_function *function);

/*
 * REAL(memcpy)(to, from, n) calls libc's memcpy. A section lists all functions that are called in
 * this way. They are looked up when the library is loaded; a call before that looks up its function
 * itself.
 */
#define REAL(function) REAL_NAMED(function)
#define REAL_NAMED(function)                                                                \
    (__extension__({                                                                        \
        static struct libc_function real_function __attribute__((                           \
            section("libc_functions"), used, aligned(sizeof(void *)))) = {#function, NULL}; \
        void *address = __atomic_load_n(&real_function.address, __ATOMIC_RELAXED);          \
        if (__builtin_expect(address == NULL, 0)) address = libc_find(&real_function);      \
        (__typeof__(&function))address;                                                     \
    }))

/* Defines another name under which libc exports the function. */
#define ALIAS(name, of) EXPORT __typeof__(of) name __attribute__((alias(#of)));
#ifndef __clang__
#    pragma GCC diagnostic ignored "-Wmissing-attributes"
#endif

#endif
