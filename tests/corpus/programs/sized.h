/* C23's sized frees, by dlsym, because the build's libc may not declare them. */
#ifndef SIZED_H
#define SIZED_H

#include <dlfcn.h>

enum { SKIPPED = 77 };

#define function_named(name)                       \
    __extension__({                                \
        void *address = dlsym(RTLD_DEFAULT, name); \
        if (address == NULL) exit(SKIPPED);        \
        address;                                   \
    })
#define free_with_size(p, size) \
    ((void (*)(void *, size_t))function_named("free_sized"))((p), (size))
#define free_with_alignment(p, alignment, size)                                                \
    ((void (*)(void *, size_t, size_t))function_named("free_aligned_sized"))((p), (alignment), \
                                                                             (size))

#endif
